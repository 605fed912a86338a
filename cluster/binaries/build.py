"""Build the programs of a recipe with Go. The caller holds the build lock.

How hard a build works depends on the memory that is there; one that a disk or the
memory has no room for does not begin.
"""

import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster import errors, logs, preflight, processes
from cluster.binaries import golang
from cluster.binaries.check import system_has
from cluster.binaries.recipe import FLAGS, Recipe, Step
from cluster.binaries.workdir import WorkDir
from cluster.progress import Progress

#: switches builds off, whatever its value: for machines with too little memory
OFF = "LAB_NO_BUILD"
#: seconds for which a line stays the same but for its clock: a log keeps every line
STEADY = 8.0

#: bytes of the `go` command, beside the compilers and linkers that it runs
GO_ITSELF = 300_000_000
#: A compiler lives for a second. Collecting its garbage is a fifth of its work, so it
#: is left alone up to this size, and so are linkers and `go`; what that takes in
#: bytes with one compiler, and with each further one at once.
GC_OFF = {"GOGC": "off", "GOMEMLIMIT": "600MiB"}
GC_OFF_MEMORY = 1_500_000_000
COMPILER_MEMORY = 500_000_000

_DISK_FULL = re.compile(r"no space left on device|disk quota exceeded", re.I)
_KILLED = re.compile(r"signal: killed|cannot allocate memory|out of memory", re.I)
_NOT_FETCHED = re.compile(
    r"dial tcp|no such host|proxyconnect|i/o timeout|TLS handshake|x509: "
    r"|connection (refused|reset)|module lookup disabled|: [45]\d\d [A-Z]"
)


def build(
    recipe: Recipe, steps: Sequence[Step], work: WorkDir, progress: Progress
) -> Iterator[Path]:
    """Build `steps`; yield a directory with the programs of each, which are taken.

    A step is left out if the distribution's programs will do. Raise LabError if builds
    are off, MissingTool, NotEnough (before the build, or when the build runs into the
    limit), DownloadFailed or BuildFailed.
    """
    if OFF in os.environ:
        raise _off(steps)
    stage = work.stage()
    work.log.write_text("")
    tools = find_tools(recipe, work.log, progress)
    steps = [step for step in steps if _is_needed(step, tools)]
    space = DiskSpace.needed(steps, work, tools.go.module_cache)
    space.check()
    processors = preflight.processors()
    compilers, settings = parallelism(steps, preflight.memory_available(), processors)
    programs = stage / "programs"
    programs.mkdir()
    # Also where nothing has to be built.
    yield programs
    for number, step in enumerate(steps, 1):
        _Build(
            step=step,
            label=f"building {number}/{len(steps)} {step.name}",
            source=recipe.root / step.lock,
            tools=tools,
            work=work,
            stage=stage,
            space=space,
            arguments=[f"-p={compilers}"],
            settings=settings,
            progress=progress,
        ).run(programs)
        yield programs


def _off(steps: Sequence[Step]) -> errors.LabError:
    missing = [name for step in steps if not system_has(step) for name in step.programs]
    # Why they did not come was said when they did not.
    return errors.LabError(
        f"{', '.join(missing)} did not come, and {OFF} is set.",
        f"Mend what the line above names, or unset {OFF}: then they are built from "
        "source, in minutes and with about 3 GB of memory.",
    )


# --- What a build needs -------------------------------------------------------


@dataclass(frozen=True)
class Tools:
    """What compiles: Go, and a C compiler if there is one, with libseccomp or not."""

    go: golang.Go
    compiler: list[str] | None
    seccomp: bool


def find_tools(recipe: Recipe, log: Path, progress: Progress) -> Tools:
    """Return the tools of a build; without a Go, install it from its wheel.

    Raise MissingTool.
    """
    go = golang.find(recipe.minimum()) or golang.install(log, progress)
    compiler = golang.c_compiler()
    seccomp = compiler is not None and golang.has_seccomp(compiler)
    return Tools(go, compiler, seccomp)


def _is_needed(step: Step, tools: Tools) -> bool:
    if system_has(step):
        return False
    if tools.compiler or not step.cgo:
        return True
    raise errors.MissingTool(
        "A C compiler with the C library's headers",
        f"build {step.name}",
        f"Run `sudo apt-get install -y {step.name}`, or "
        "`sudo apt-get install -y gcc libc6-dev`.",
    )


def parallelism(
    steps: Sequence[Step], available: int, processors: int
) -> tuple[int, dict[str, str]]:
    """Return how many compilers run at once, and the settings of each.

    As many as `available` bytes of memory allow, which with little memory is one that
    keeps itself small. Raise NotEnough.
    """
    least = GO_ITSELF + max((step.memory for step in steps), default=0)
    if available < least:
        raise _short_of_memory("for the build", least, available)
    if available < GC_OFF_MEMORY:
        return 1, {}
    compilers = 1 + (available - GC_OFF_MEMORY) // COMPILER_MEMORY
    compilers = min(processors, compilers)
    # Two compilers that divide their work on two processors wait for each other: a
    # tenth of all work. Four keep a machine busy, until one that others need is large.
    threads = max(1, processors // min(compilers, 4))
    return compilers, {**GC_OFF, "GOMAXPROCS": f"{threads}"}


def _short_of_memory(where: str, needed: int, available: int) -> errors.NotEnough:
    return errors.NotEnough(
        "memory",
        where,
        needed,
        available,
        "Close other programs, or give the machine or container more.",
    )


@dataclass(frozen=True)
class DiskSpace:
    """The bytes that a build writes to the disks of the cache and of Go's modules."""

    work: WorkDir
    build: int
    module_cache: Path
    sources: int

    @classmethod
    def needed(
        cls, steps: Sequence[Step], work: WorkDir, module_cache: Path
    ) -> "DiskSpace":
        """Add it up; what an earlier build has compiled need not be made again."""
        disks = [step.disk for step in steps]
        stays = max(0, sum(disks) - _size(work.compiled))
        sources = {
            module_cache / f"{step.upstream}@{step.version}": step.sources
            for step in steps
        }
        missing = sum(size for path, size in sources.items() if not path.exists())
        return cls(work, stays + max(disks, default=0), module_cache, missing)

    def check(self) -> None:
        """Raise NotEnough if one of the disks is too full."""
        for path, needed, variable in self._disks():
            if preflight.disk_available(path) < needed:
                raise self._short(path, needed, variable)

    def ran_out(self) -> errors.NotEnough:
        """Return the error for a disk that ran full during the build.

        What has been compiled is given back: gigabytes that cannot be finished here.
        """
        fullest = min(self._disks(), key=lambda disk: preflight.disk_available(disk[0]))
        error = self._short(*fullest)
        shutil.rmtree(self.work.compiled, ignore_errors=True)
        return error

    def _disks(self) -> list[tuple[Path, int, str]]:
        cache = self.work.root
        if preflight.same_disk(cache, self.module_cache):
            return [(cache, self.build + self.sources, "LAB_CACHE_DIR")]
        return [
            (cache, self.build, "LAB_CACHE_DIR"),
            (self.module_cache, self.sources, "GOMODCACHE"),
        ]

    def _short(self, path: Path, needed: int, variable: str) -> errors.NotEnough:
        return errors.NotEnough(
            "disk space",
            f"for the build at {path}",
            needed,
            preflight.disk_available(path),
            f"Free some, or name a directory on another disk in {variable}.",
        )


def _size(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


# --- The build ----------------------------------------------------------------


@dataclass(frozen=True)
class _Build:
    """The build of one step in `stage`, which is on the disk of the cache.

    `arguments` and `settings` decide how many compilers run, and how they do. `label`
    opens every line of progress.
    """

    step: Step
    label: str
    source: Path
    tools: Tools
    work: WorkDir
    stage: Path
    space: DiskSpace
    arguments: list[str]
    settings: dict[str, str]
    progress: Progress

    def run(self, target: Path) -> None:
        """Put the programs into `target`.

        Raise NotEnough, DownloadFailed or BuildFailed.
        """
        packages = list(self.step.programs.values())
        flags = f"-ldflags={self._link_flags()}"
        output = self.stage / "output"
        output.mkdir()
        # -v names what is compiled. Sources are fetched that the imports lead to, and
        # no others.
        self._go("build", *self._arguments(), "-v", flags, f"-o={output}/", *packages)
        for name, package in self.step.programs.items():
            (output / default_name(package)).rename(target / name)
        output.rmdir()

    def _arguments(self) -> list[str]:
        """Return the flags of `go build`, but for the linker's."""
        arguments = [*FLAGS, *self.arguments]
        tags = [*self.step.tags]
        if self.tools.seccomp and self.step.seccomp_tag:
            tags.append(self.step.seccomp_tag)
        if tags:
            arguments.append(f"-tags={','.join(tags)}")
        if self.tools.go.own_cache:
            # Go's habit of files that cannot be removed is for a cache of its own.
            arguments.append("-modcacherw")
        return arguments

    def _link_flags(self) -> str:
        release = {}
        if self.step.variables:
            # -e: without a network the date may be missing, which is no failure.
            found = self._go("list", "-m", "-e", "-json", self.step.upstream)
            release = json.loads(found)
        values = {
            "time": release.get("Time", "1970-01-01T00:00:00Z"),
            "commit": release.get("Origin", {}).get("Hash", ""),
        }
        variables = [
            f"-X={name}={value.format_map(values)}"
            for name, value in self.step.variables.items()
        ]
        # No symbol table, no debug information.
        return " ".join(["-s", "-w", *variables])

    def _go(self, *arguments: str) -> str:
        """Run Go and return its standard output; all else is in the log."""
        answer, log = self.stage / "answer", self.work.log
        began = log.stat().st_size
        code = processes.run(
            [self.tools.go.path, *arguments],
            output=answer,
            log=log,
            watch=_LastLine(self.progress, self.label, log),
            env=self._environment(),
            cwd=self.source,
        )
        if code != 0:
            raise self._failure(code, log.read_text(errors="replace")[began:])
        return answer.read_text()

    def _environment(self) -> dict[str, str]:
        go, compiler = self.tools.go, self.tools.compiler
        return {
            # The learner's own setting wins.
            **self.settings,
            **golang.environment(),
            **({"CC": " ".join(compiler)} if compiler else {}),
            "CGO_ENABLED": "1" if self.step.cgo else "0",
            "GOOS": go.system,
            "GOARCH": go.machine,
            "GOMODCACHE": str(go.module_cache),
            "GOCACHE": str(self.work.compiled),
            # The linker's temporary files are large and /tmp is often small.
            "GOTMPDIR": str(self.stage),
        }

    def _failure(self, code: int, output: str) -> errors.LabError:
        if _DISK_FULL.search(output):
            return self.space.ran_out()
        if _KILLED.search(output):
            return _short_of_memory(
                f"to build {self.step.name}: the kernel ended a compiler",
                GO_ITSELF + self.step.memory,
                preflight.memory_available(),
            )
        lines = [line for line in output.splitlines() if not _is_progress(line)]
        fetched = not _NOT_FETCHED.search(output)
        kind = errors.BuildFailed if fetched else errors.DownloadFailed
        return kind(self.step.name, code, "\n".join(lines[-20:]), self.work.log)


def default_name(package: str) -> str:
    """Return the file name that Go gives to a package's program."""
    *_, parent, last = ("", *package.split("/"))
    return parent if re.fullmatch(r"v\d+", last) else last


def _is_progress(line: str) -> bool:
    return bool(re.fullmatch(r"go: downloading .*|[\w./~+-]+", line))


@dataclass
class _LastLine:
    """Shows the last line of the log: the package that is fetched or compiled."""

    progress: Progress
    label: str
    log: Path
    message: str = ""
    _changed: float = float("-inf")

    def __call__(self, pid: int) -> None:
        """Update the progress; called a few times a second."""
        now = time.monotonic()
        if now - self._changed >= STEADY:
            self.message = f"{self.label}: {logs.tail(self.log, 1)}".rstrip(": ")
            self._changed = now
        self.progress.update(self.message)
