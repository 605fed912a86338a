"""Examine the programs that a cluster needs, and the tools that build missing ones."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from cluster import errors, paths, programs
from cluster.findings import Finding, fatal, ok, warning
from cluster.packages import install
from cluster.processes import SYSTEM_PATH
from cluster.programs import golang, releases
from cluster.programs.runc import Runc, find_runc


@dataclass(frozen=True)
class Shell:
    """The programs of the distribution that shell cells call, as far as found."""

    shell: tuple[str, ...]

    #: kubectl is our own
    NAMES = ("curl", "jq")

    @classmethod
    def read(cls) -> "Shell":
        """Search where the learner's shell would, and ours that `up` adds."""
        path = os.environ.get("PATH", os.defpath)
        with contextlib.suppress(errors.LabError):
            path = os.pathsep.join(map(str, filter(None, (path, programs.find()))))
        return cls(tuple(name for name in cls.NAMES if shutil.which(name, path=path)))

    def findings(self) -> Iterator[Finding]:
        """Judge each."""
        for name in self.NAMES:
            lack = warning(name, "not found: cells that call it fail.", install(name))
            yield ok(name, "found") if name in self.shell else lack


@dataclass(frozen=True)
class Runtime:
    """The runc that starts containers; `built` says whether the binaries are there."""

    runc: Runc | None
    built: bool

    @classmethod
    def read(cls) -> "Runtime":
        """Search where the machine would."""
        directory = programs.find()
        return cls(find_runc(directory), directory is not None)

    def findings(self) -> Iterator[Finding]:
        """Judge the program."""
        if self.runc and not self.runc.seccomp:
            lack = "was built without libseccomp: pods run without seccomp."
            yield warning("runc", f"{self.runc.path} {lack}", install("runc"))
        elif self.runc:
            yield ok("runc", f"{self.runc.path}, with seccomp")
        elif self.built:
            yield fatal("runc", "not found: no container can start.", install("runc"))
        else:
            yield ok("runc", "none yet; it will be built")


@dataclass(frozen=True)
class Build:
    """The tools that get the binaries where they are `needed`."""

    needed: bool
    #: one is installed, or can be built
    runc: bool = False
    #: hosts of downloads, "" if off; not contacted here
    hosts: str = ""
    #: where programs and image are in one archive, "" for nowhere
    archive: str = ""

    @classmethod
    def read(cls) -> "Build":
        """Look for the tools."""
        if paths.assets_dir() or programs.find():
            return cls(False)
        installed = shutil.which("runc", path=SYSTEM_PATH)
        runc = bool(installed or golang.c_compiler())
        return cls(True, runc, releases.hosts(), str(releases.bundle() or ""))

    def findings(self) -> Iterator[Finding]:
        """Judge: a program that can be downloaded needs no compiler."""
        if not self.needed:
            return
        if self.archive:
            yield ok("archive", f"{self.archive}, if it is there")
        yield ok("downloads", self.hosts or f"off: {releases.OFF} is set")
        if not (self.runc or self.hosts or self.archive):
            yield fatal(
                "C compiler",
                "not found, and neither is the distribution's runc: none can be built.",
                f"{install('runc')}, or: {install('gcc', 'libc6-dev')}",
            )
