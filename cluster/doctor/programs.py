"""Look at the programs that are there: the cluster's, and the distribution's."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cluster import binaries, errors, versions
from cluster.binaries.check import SYSTEM_PATH, Runc, find_runc
from cluster.doctor.findings import Finding, fatal, ok, warning

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
        return binaries.find()
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
            directory = binaries.find()
        except errors.IncompleteAssets as error:
            return cls(None, {}, error)
        found = binaries.describe(directory) if directory else {}
        return cls(directory, found)

    def findings(self) -> Iterator[Finding]:
        """Judge: binaries of a learner's own may be of another version."""
        if self.problem:
            yield fatal("binaries", self.problem.fact, self.problem.way_out)
        elif self.directory is None:
            yield ok(
                "binaries",
                "none yet; `make setup` or the first `up` gets or builds them, once",
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
class Shell:
    """The programs of the distribution that shell cells call, as far as found."""

    shell: tuple[str, ...]

    #: kubectl is our own
    NAMES = ("curl", "jq")

    @classmethod
    def read(cls) -> "Shell":
        """Search where the learner's shell would."""
        return cls(tuple(name for name in cls.NAMES if shutil.which(name)))

    def findings(self) -> Iterator[Finding]:
        """Judge each."""
        for name in self.NAMES:
            if name in self.shell:
                yield ok(name, "found")
            else:
                fact = "not found: cells that call it fail."
                yield warning(name, fact, install(name))


@dataclass(frozen=True)
class Tools:
    """What the machine calls of the distribution.

    `runc` is what will start containers, None for nothing; `built` says whether the
    binaries are there.
    """

    runc: Runc | None
    built: bool
    nft: str

    @classmethod
    def read(cls) -> "Tools":
        """Search where the machine would."""
        directory = binaries_if_whole()
        return cls(
            find_runc(directory),
            directory is not None,
            shutil.which("nft", path=SYSTEM_PATH) or "",
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
