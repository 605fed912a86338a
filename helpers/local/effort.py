"""Decide how hard a build may work here, or that there is not enough room for it."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from helpers import errors
from helpers.local import resources
from helpers.local.recipe import Module
from helpers.local.workshop import Workshop

#: bytes of the `go` command itself, beside the compilers and linkers that it runs
GO_ITSELF = 300_000_000
#: a compiler that seldom collects garbage takes more memory by this factor
LAVISH = 1.4
#: of the largest step, what each further compiler at once takes
FURTHER = 0.7

DISK, MEMORY = "disk space", "memory"


@dataclass(frozen=True)
class Effort:
    """How many compilers at once, and settings of Go's garbage collector."""

    compilers: int
    env: dict[str, str] = field(default_factory=dict)


def choose(modules: Sequence[Module], available: int, processors: int) -> Effort:
    """Return the most that `available` bytes of memory allow; raise NotEnough.

    A compiler lives for a second: collecting its garbage is a fifth of its work. With
    little memory it is collected, and one compiler runs at a time.
    """
    step = max((module.memory for module in modules), default=0)
    if available < GO_ITSELF + step:
        raise _short_of_memory("for the build", GO_ITSELF + step, available)
    spare = available - GO_ITSELF - LAVISH * step
    if spare < 0:
        return Effort(1)
    further = int(spare / (FURTHER * step)) if step else processors
    return Effort(min(processors, 1 + further), {"GOGC": "400"})


def ran_out_of_memory(module: Module) -> errors.NotEnough:
    """Return the error for a compiler that the kernel has killed."""
    return _short_of_memory(
        f"to build {module.name}: the kernel ended a compiler",
        GO_ITSELF + module.memory,
        resources.memory_available(),
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
        cls, modules: Sequence[Module], workshop: Workshop, module_cache: Path
    ) -> "Room":
        """Add it up; what an earlier build has compiled need not be made again."""
        return cls(
            workshop,
            max(0, sum(m.disk for m in modules) - _size(workshop.compiled)),
            module_cache,
            sum(
                module.sources
                for module in modules
                if not (module_cache / f"{module.upstream}@{module.version}").exists()
            ),
        )

    def check(self) -> None:
        """Raise NotEnough if one of the disks is too full."""
        for path, needed, variable in self._disks():
            if resources.disk_available(path) < needed:
                raise self._short(path, needed, variable)

    def ran_out(self) -> errors.NotEnough:
        """Return the error for a disk that ran full during the build.

        What has been compiled is given back: gigabytes that cannot be finished here.
        """
        fullest = min(self._disks(), key=lambda disk: resources.disk_available(disk[0]))
        error = self._short(*fullest)
        shutil.rmtree(self.workshop.compiled, ignore_errors=True)
        return error

    def _disks(self) -> list[tuple[Path, int, str]]:
        cache = self.workshop.root
        if resources.same_disk(cache, self.module_cache):
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
            resources.disk_available(path),
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
