"""Say what a build consists of: steps, their flags, and the key of their result."""

import hashlib
import platform
from dataclasses import dataclass, field
from pathlib import Path

#: Flags of every step.
FLAGS = (
    # The locks decide, whatever GOFLAGS says.
    "-mod=readonly",
    # No paths of this machine in the programs.
    "-trimpath",
    # Git's state of this checkout says nothing about the programs.
    "-buildvcs=false",
    # A profile in a main package would have all of its dependencies built again.
    "-pgo=off",
    # Nobody debugs these programs here; the compiler need not describe them.
    "-gcflags=all=-dwarf=false",
)


@dataclass(frozen=True)
class Step:
    """Programs that one `go build` makes.

    `lock` is the directory of the lock, `upstream` the Go module that the programs
    come from, `programs` maps file name to package path. `variables` are set by the
    linker; `{time}` and `{commit}` in them are those of the upstream's release. `ask`
    are the arguments that make a program tell its version, where it is not
    `--version`. `cgo` needs a C compiler; `seccomp_tag` is added where libseccomp's
    headers are. `substitute` says that the distribution's program of the same name
    will do.

    What it takes, in bytes, as `benchmarks/build.py` measures: `sources` in Go's
    module cache, once per upstream; `disk` for packages and programs, which stays
    until the end; `passing` in temporary files; `memory` for the largest compiler or
    linker alone.
    """

    lock: str
    upstream: str
    version: str
    programs: dict[str, str]
    tags: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    ask: dict[str, tuple[str, ...]] = field(default_factory=dict)
    cgo: bool = False
    seccomp_tag: str = ""
    substitute: bool = False
    sources: int = 0
    disk: int = 0
    passing: int = 0
    memory: int = 0

    @property
    def name(self) -> str:
        """Return what a person calls the step: its programs."""
        return ", ".join(self.programs)

    def question(self, directory: Path, program: str) -> list[str | Path]:
        """Return the command by which a program in `directory` tells its version."""
        return [directory / program, *self.ask.get(program, ("--version",))]

    def settings(self) -> tuple:
        """Return what changes the programs."""
        return (
            self.lock,
            self.programs,
            self.tags,
            self.variables,
            self.cgo,
            self.seccomp_tag,
        )


@dataclass(frozen=True)
class Recipe:
    """Modules in the order in which they are built; their locks are below `root`."""

    root: Path
    version: str
    steps: tuple[Step, ...]

    def programs(self) -> list[str]:
        """Return the names of all programs."""
        return [name for step in self.steps for name in step.programs]

    def key(self) -> str:
        """Return the name of the cache entry: version, machine, hash of all input.

        The Go version is not part of it: an update of Go is no reason for a build
        of several minutes.
        """
        digest = hashlib.sha256(repr(FLAGS).encode())
        for step in self.steps:
            digest.update(repr(step.settings()).encode())
            for path in sorted((self.root / step.lock).iterdir()):
                # Editors leave other things.
                if path.suffix in (".mod", ".sum", ".go"):
                    content = hashlib.sha256(path.read_bytes()).hexdigest()
                    digest.update(f"{path.name} {content}\n".encode())
        return f"{self.version}-{platform.machine()}-{digest.hexdigest()[:12]}"

    def minimum(self) -> tuple[int, ...]:
        """Return the oldest Go that all `go` lines accept, as (1, 26, 6)."""
        return max(
            parse(line.split()[1])
            for step in self.steps
            for line in (self.root / step.lock / "go.mod").read_text().splitlines()
            if line.startswith("go ")
        )


def parse(version: str) -> tuple[int, ...]:
    """Return `1.26.6` or `go1.26.6` as (1, 26, 6); a release candidate counts 0."""
    numbers = []
    for part in version.removeprefix("go").split("."):
        digits = len(part) - len(part.lstrip("0123456789"))
        numbers.append(int(part[:digits] or 0))
    return tuple(numbers)
