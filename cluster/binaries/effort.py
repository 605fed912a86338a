"""Decide how hard a build may work here, or that there is not enough room for it."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cluster import errors, preflight
from cluster.binaries.steps import Step
from cluster.binaries.workdir import Workshop

#: bytes of the `go` command, beside the compilers and linkers that it runs
GO_ITSELF = 300_000_000

#: A compiler lives for a second. Collecting its garbage is a fifth of its work, so it
#: is left alone up to this size, and so are linkers and `go`; what that takes in
#: bytes with one compiler, and with each further one at once.
LAVISH = {"GOGC": "off", "GOMEMLIMIT": "600MiB"}
LAVISH_MEMORY = 1_500_000_000
FURTHER = 500_000_000

DISK, MEMORY = "disk space", "memory"


@dataclass(frozen=True)
class Effort:
    """How many compilers at once, and settings of Go's garbage collector."""

    compilers: int
    env: dict[str, str] = field(default_factory=dict)


def choose(steps: Sequence[Step], available: int, processors: int) -> Effort:
    """Return the most that `available` bytes of memory allow; raise NotEnough.

    With little memory one compiler runs at a time, and keeps itself small.
    """
    least = GO_ITSELF + max((step.memory for step in steps), default=0)
    if available < least:
        raise _short_of_memory("for the build", least, available)
    if available < LAVISH_MEMORY:
        return Effort(1)
    compilers = 1 + (available - LAVISH_MEMORY) // FURTHER
    return Effort(min(processors, compilers), LAVISH)


def ran_out_of_memory(step: Step) -> errors.NotEnough:
    """Return the error for a compiler that the kernel has killed."""
    return _short_of_memory(
        f"to build {step.name}: the kernel ended a compiler",
        GO_ITSELF + step.memory,
        preflight.memory_available(),
    )


@dataclass(frozen=True)
class Room:
    """What a build writes, in bytes, to the disks of the cache and of Go's modules."""

    workshop: Workshop
    build: int
    module_cache: Path
    sources: int

    @classmethod
    def of(
        cls, steps: Sequence[Step], workshop: Workshop, module_cache: Path
    ) -> "Room":
        """Add it up; what an earlier build has compiled need not be made again."""
        stays = max(0, sum(step.disk for step in steps) - _size(workshop.compiled))
        passes = max((step.passing for step in steps), default=0)
        sources = {
            module_cache / f"{step.upstream}@{step.version}": step.sources
            for step in steps
        }
        return cls(
            workshop,
            stays + passes,
            module_cache,
            sum(size for path, size in sources.items() if not path.exists()),
        )

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
        shutil.rmtree(self.workshop.compiled, ignore_errors=True)
        return error

    def _disks(self) -> list[tuple[Path, int, str]]:
        cache = self.workshop.root
        if preflight.same_disk(cache, self.module_cache):
            return [(cache, self.build + self.sources, "LAB_CACHE_DIR")]
        return [
            (cache, self.build, "LAB_CACHE_DIR"),
            (self.module_cache, self.sources, "GOMODCACHE"),
        ]

    def _short(self, path: Path, needed: int, variable: str) -> errors.NotEnough:
        return errors.NotEnough(
            DISK,
            f"for the build at {path}",
            needed,
            preflight.disk_available(path),
            f"Free some, or name a directory on another disk in {variable}.",
        )


def _short_of_memory(where: str, needed: int, available: int) -> errors.NotEnough:
    return errors.NotEnough(
        MEMORY,
        where,
        needed,
        available,
        "Close other programs, or give the machine or container more.",
    )


def _size(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
