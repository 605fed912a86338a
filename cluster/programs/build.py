"""Build the programs of a recipe with Go. The caller holds the build lock."""

import dataclasses
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster import errors, preflight, processes
from cluster.language import mark, say
from cluster.packages import install
from cluster.programs import golang
from cluster.programs.check import system_has
from cluster.programs.links import link
from cluster.programs.recipe import FLAGS, Recipe, Step, default_name
from cluster.progress import Progress

#: switches builds off, whatever its value: for machines with too little memory
OFF = "LAB_NO_BUILD"
#: bytes of memory for each compiler that runs: with fewer the kernel ends one
COMPILER = 750_000_000
#: A compiler lives for a second: to collect its garbage is a fifth of its work.
GARBAGE = {"GOGC": "off", "GOMEMLIMIT": "600MiB"}

#: seconds of a build that say nothing of its rest yet
LITTLE = 10.0

_DISK_FULL = re.compile(r"no space left on device|disk quota exceeded", re.I)
#: a line of `go build -v`: a package that is compiled now
_PACKAGE = re.compile(r"[\w./~+-]+")
_KILLED = re.compile(r"signal: killed|cannot allocate memory|out of memory", re.I)
_NOT_FETCHED = re.compile(
    r"dial tcp|no such host|proxyconnect|i/o timeout|TLS handshake|x509: "
    r"|connection (refused|reset)|module lookup disabled|: [45]\d\d [A-Z]"
)
#: bytes: with fewer free after a failure the disk was full, whatever Go says; it finds
#: no package of its own library where it cannot write its index
FULL = 50_000_000
#: Hints, by the cause that Go's output names.
_ROOM = mark(
    "A build takes up to 10 GB of disk until it ends, and {place} has {disk:.1f} GB "
    "free: make room, or name directories on another disk in LAB_CACHE_DIR and "
    "GOMODCACHE."
)
_MEMORY = mark(
    "A build needs about 3 GB of memory, and {memory:.1f} GB are free now: close other "
    "programs, or give the machine or container more."
)
_NETWORK = mark(
    "Sources come from Go's module proxy: fix the network, or set GOPROXY or "
    "https_proxy."
)
_REASONS = ((_DISK_FULL, _ROOM), (_KILLED, _MEMORY), (_NOT_FETCHED, _NETWORK))


class WorkDir:
    """The directories of builds and downloads, one build at a time, below `root`.

    `compiled` is Go's cache: a build that was cut short goes on from it. Files that
    came whole into `downloads` are not fetched again.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.log = root, root / "log"
        self.compiled, self.downloads = root / "compiled", root / "downloads"

    def stage(self) -> Path:
        """Make the directory of this build; remove those of dead builds."""
        self.clear()
        return Path(tempfile.mkdtemp(prefix="stage-", dir=self.root))

    def clear(self) -> None:
        """Remove unfinished files."""
        for stage in self.root.glob("stage-*"):
            shutil.rmtree(stage, ignore_errors=True)

    def forget(self) -> None:
        """Remove what another try would go on from; LAB_KEEP_BUILD_CACHE keeps some."""
        shutil.rmtree(self.downloads, ignore_errors=True)
        if "LAB_KEEP_BUILD_CACHE" not in os.environ:
            # Gigabytes that the next build, months later, could not use.
            shutil.rmtree(self.compiled, ignore_errors=True)


def build(
    recipe: Recipe, steps: Sequence[Step], work: WorkDir, progress: Progress
) -> Iterator[Path]:
    """Build `steps`; yield a directory with programs as they come, which are taken.

    Steps of one lock are built together. A step is left out if the distribution's
    programs will do. Raise LabError if builds are off, MissingTool or BuildFailed.
    """
    if OFF in os.environ:
        missing = (n for step in steps if not system_has(step) for n in step.programs)
        text = mark("{names} could not be downloaded, and builds are off ({setting}).")
        # The failed download has said its reason, in a line of progress.
        hint = mark(
            "Fix the problem above, or unset {setting}: then they are built from "
            "source, in minutes and with about 3 GB of memory."
        )
        raise errors.LabError(
            say(text, names=", ".join(missing), setting=OFF), say(hint, setting=OFF)
        )
    stage = work.stage()
    work.log.write_text("")
    compiler = golang.c_compiler()
    # Before Go is fetched, in vain without a compiler.
    steps = merge_by_lock(step for step in steps if _is_needed(step, compiler))
    go = golang.find() or golang.install(work.log, progress)
    seccomp = compiler is not None and golang.has_seccomp(compiler)
    tools = Tools(go, compiler, seccomp)
    at_once = compilers()
    programs = stage / "programs"
    programs.mkdir()
    # Also where nothing has to be built.
    yield programs
    label = mark("building {number}/{count} {program}")
    for number, step in enumerate(steps, 1):
        about = {"number": number, "count": len(steps), "program": step.name}
        Build(
            step=step,
            label=say(label, **about),
            source=recipe.root / step.lock,
            tools=tools,
            work=work,
            stage=stage,
            compilers=at_once,
            progress=progress,
        ).run(programs)
        yield programs


def merge_by_lock(steps: Iterable[Step]) -> list[Step]:
    """Return steps that one `go build` makes each, of all that have one lock.

    One call links a program while it compiles for the next, and loads packages once.
    """
    merged: dict[str, Step] = {}
    for step in steps:
        first = merged.get(step.lock, step)
        programs = first.programs | step.programs
        merged[step.lock] = dataclasses.replace(first, programs=programs)
    return [*merged.values()]


def compilers() -> int:
    """Return how many compilers this machine has processors and memory for."""
    room = preflight.memory_available() // COMPILER
    return max(1, min(preflight.processors(), room))


@dataclass(frozen=True)
class Tools:
    """The compilers: Go, and a C compiler if there is one, with libseccomp or not."""

    go: golang.Go
    compiler: list[str] | None
    seccomp: bool


def _is_needed(step: Step, compiler: list[str] | None) -> bool:
    if system_has(step):
        return False
    if compiler or not step.cgo:
        return True
    raise errors.MissingTool(
        say("A C compiler with the C library's headers"),
        say("build {program}", program=step.name),
        say(
            "{one}, or: {other}",
            one=install(step.name),
            other=install("gcc", "libc6-dev"),
        ),
    )


class Compiled:
    """The packages of a `go build -v`, which names each in its log as it begins it."""

    def __init__(self, log: Path, start: int, count: int) -> None:
        """Count them in `log` from the byte `start` on; `count` is how many come."""
        self._log, self._place, self._count = log, start, count
        self._fetched = self._done = 0
        self._began = time.monotonic()

    def detail(self) -> str:
        """Return how far the build is, from what is new in the log."""
        with self._log.open("rb") as file:
            file.seek(self._place)
            whole, end, _ = file.read().rpartition(b"\n")
        self._place += len(whole + end)
        lines = whole.decode(errors="replace").splitlines()
        self._fetched += sum(line.startswith("go: downloading ") for line in lines)
        if not self._done:
            self._began = time.monotonic()
        self._done += sum(1 for line in lines if _PACKAGE.fullmatch(line))
        return describe_build(
            self._fetched, self._done, self._count, time.monotonic() - self._began
        )


def describe_build(fetched: int, done: int, count: int, seconds: float) -> str:
    """Return how far a build is: modules fetched, packages compiled of `count`; pure.

    The rest is estimated from the `seconds` since the first package.
    """
    if not count or not done:
        text = mark("{count} modules fetched")
        return say(text, count=fetched) if fetched else ""
    if done >= count:
        return say("all {count} packages, linking", count=count)
    if seconds < LITTLE:
        return say("{done} of {count} packages", done=done, count=count)
    rest = seconds * (count - done) / done
    text = mark("{done} of {count} packages, about {rest:.0f} s left")
    return say(text, done=done, count=count, rest=rest)


@dataclass(frozen=True)
class Build:
    """The build of one step in `stage`; `compilers` is how many run at once."""

    step: Step
    label: str
    source: Path
    tools: Tools
    work: WorkDir
    stage: Path
    compilers: int
    progress: Progress

    def run(self, target: Path) -> None:
        """Put the programs into `target`; raise BuildFailed."""
        outputs = self.step.outputs()
        flags = f"-ldflags={self.link_flags()}"
        output = self.stage / "output"
        output.mkdir()
        packages = [*outputs.values()]
        self.compile(*self.arguments(), flags, f"-o={output}/", packages=packages)
        for name, package in outputs.items():
            (output / default_name(package)).rename(target / name)
        link(self.step, target)
        output.rmdir()

    def arguments(self) -> list[str]:
        """Return what `go build` is told of any program of the step."""
        arguments = [*FLAGS, f"-p={self.compilers}"]
        tags = [*self.step.tags]
        if self.tools.seccomp and self.step.seccomp_tag:
            tags.append(self.step.seccomp_tag)
        if tags:
            arguments.append(f"-tags={','.join(tags)}")
        if self.tools.go.own_cache:
            # Go's habit of files that cannot be removed is for a cache of its own.
            arguments.append("-modcacherw")
        return arguments

    def link_flags(self) -> str:
        """Return what the linker writes into the programs, such as their version."""
        release = {}
        if self.step.variables:
            # -e: without a network the date may be missing, which is no failure.
            output = self.go("list", "-m", "-e", "-json", self.step.upstream)
            release = json.loads(output)
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

    def compile(self, *arguments: str, packages: Sequence[str]) -> None:
        """Run `go build`, and show how many packages of how many are compiled."""
        settings = [word for word in arguments if not word.startswith(("-o=", "-p="))]
        # Sources are fetched that the imports lead to, and no others. Packages that an
        # earlier build has left are not compiled again.
        stale = "-f={{if .Stale}}{{.ImportPath}}{{end}}"
        names = self.go("list", "-deps", stale, *settings, *packages)
        self.go("build", "-v", *arguments, *packages, count=len(names.split()))

    def go(self, *arguments: str, count: int = 0) -> str:
        """Run Go and return its standard output; the log has the rest.

        With `count`, that of the packages to compile, the progress counts them.
        """
        answer, log = self.stage / "answer", self.work.log
        # On a disk that runs full, what Go says of it has room in the log's last block.
        with log.open("a") as file:
            file.write(f"{self.label}\n")
        began = log.stat().st_size
        compiled = Compiled(log, began, count)
        code = processes.run(
            [self.tools.go.path, *arguments],
            output=answer,
            log=log,
            watch=lambda _: self.progress.update(self.label, compiled.detail()),
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
            **GARBAGE,
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
        # Before room is given back.
        free = shutil.disk_usage(self.work.root).free
        lines = [line for line in output.splitlines() if not _PACKAGE.fullmatch(line)]
        hint, shown_lines = "", lines[-20:]
        for pattern, helps in _REASONS:
            # A single line is enough: a full disk fails each file in the same words.
            if matches := [line for line in lines if pattern.search(line)]:
                hint, shown_lines = helps, matches[-1:]
                break
        if not hint and free < FULL:
            hint, shown_lines = _ROOM, [f"{self.work.root}: no space left on device"]
        if hint == _ROOM:
            # Given back: gigabytes that cannot be finished here.
            shutil.rmtree(self.work.compiled, ignore_errors=True)
        tail = "\n".join(shown_lines)
        facts = {
            "place": self.work.root,
            "disk": free / 1e9,
            "memory": preflight.memory_available() / 1e9,
        }
        hint = hint and say(hint, **facts)
        return errors.BuildFailed(self.step.name, code, tail, self.work.log, hint)
