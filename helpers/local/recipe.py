"""Describe which programs are built, from what, and how. Pure: nothing runs here.

Each module is a directory in `binaries/` with a `go.mod` and a `go.sum`, which pin
every byte of the sources. One module per upstream project: one for all of them would
raise most dependencies above what each project was released and tested with.

behaviour        upstream's release    here
version, date    of the release        the same
git commit       of the release        as far as the module proxy tells, else empty
git tree state   clean                 archive: what was built is no git checkout
Go               upstream's choice     any that the `go` lines accept
containerd       all snapshotters      without btrfs, zfs and devmapper
CoreDNS          all plugins           those that the Corefile may use
runc             static, libpathrs     linked with this machine's C library
"""

import hashlib
import platform
from dataclasses import dataclass, field
from pathlib import Path

from helpers import versions

#: Flags of every build, in front of what a module adds.
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
class Module:
    """Programs that one `go build` makes from the lock in the directory `name`.

    `upstream` is the Go module they come from. `programs` maps file name to package
    path. `variables` are set by the linker; `{time}` and `{commit}` in them are those
    of the upstream's release. `ask` are the arguments that make a program tell its
    version, where it is not `--version`. `cgo` needs a C compiler; `seccomp_tag` is
    added where libseccomp's headers are. `substitute` says that the distribution's
    program of the same name will do.

    What a build takes, in bytes, as `benchmarks/build.py` measures it: `sources` in
    Go's module cache, `disk` for compiled packages and programs, `memory` for the
    largest single step.
    """

    name: str
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
    memory: int = 0

    def settings(self) -> tuple:
        """Return what changes the programs."""
        return (
            self.name,
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
    modules: tuple[Module, ...]

    def programs(self) -> list[str]:
        """Return the names of all programs."""
        return [name for module in self.modules for name in module.programs]

    def key(self) -> str:
        """Return the name of the cache entry: version, machine, hash of all input.

        The Go version is not part of it: an update of Go is no reason for a build
        of several minutes.
        """
        digest = hashlib.sha256(repr(FLAGS).encode())
        for module in self.modules:
            digest.update(repr(module.settings()).encode())
            for path in sorted((self.root / module.name).iterdir()):
                # Editors leave other things.
                if path.suffix in (".mod", ".sum", ".go"):
                    content = hashlib.sha256(path.read_bytes()).hexdigest()
                    digest.update(f"{path.name} {content}\n".encode())
        return f"{self.version}-{platform.machine()}-{digest.hexdigest()[:12]}"

    def minimum(self) -> tuple[int, ...]:
        """Return the oldest Go that all `go` lines accept, as (1, 26, 6)."""
        return max(
            parse(line.split()[1])
            for module in self.modules
            for line in (self.root / module.name / "go.mod").read_text().splitlines()
            if line.startswith("go ")
        )


def parse(version: str) -> tuple[int, ...]:
    """Return `1.26.6` or `go1.26.6` as (1, 26, 6); a release candidate counts 0."""
    numbers = []
    for part in version.removeprefix("go").split("."):
        digits = len(part) - len(part.lstrip("0123456789"))
        numbers.append(int(part[:digits] or 0))
    return tuple(numbers)


def _kubernetes_version(package: str) -> dict[str, str]:
    """Return the variables of a package that tells Kubernetes' version."""
    major, minor, _ = versions.KUBERNETES.removeprefix("v").split(".")
    values = {
        "gitVersion": versions.KUBERNETES,
        "gitMajor": major,
        "gitMinor": minor,
        # Without these two the programs would say `$Format:%H$`.
        "gitCommit": "{commit}",
        # Kubernetes' own word for sources that are not a git checkout.
        "gitTreeState": "archive",
        "buildDate": "{time}",
    }
    return {f"{package}.{name}": value for name, value in values.items()}


_CNI = "github.com/containernetworking/plugins"
_CONTAINERD = "github.com/containerd/containerd/v2"
_KUBERNETES = "k8s.io/kubernetes"
_RUNC = "github.com/opencontainers/runc"
_MB = 1_000_000

RECIPE = Recipe(
    root=Path(__file__).parent / "binaries",
    version=versions.KUBERNETES,
    modules=(
        Module(
            "kubernetes",
            upstream=_KUBERNETES,
            version=versions.KUBERNETES,
            programs={
                "etcd": "go.etcd.io/etcd/server/v3",
                "kube-apiserver": f"{_KUBERNETES}/cmd/kube-apiserver",
                "kube-controller-manager": f"{_KUBERNETES}/cmd/kube-controller-manager",
                "kube-scheduler": f"{_KUBERNETES}/cmd/kube-scheduler",
                "kube-proxy": f"{_KUBERNETES}/cmd/kube-proxy",
                "kubelet": f"{_KUBERNETES}/cmd/kubelet",
                "kubectl": f"{_KUBERNETES}/cmd/kubectl",
            },
            # kubectl and what it sends as User-Agent read the second one.
            variables={
                **_kubernetes_version("k8s.io/component-base/version"),
                **_kubernetes_version("k8s.io/client-go/pkg/version"),
            },
            ask={"kubectl": ("version", "--client")},
            sources=1500 * _MB,
            disk=5000 * _MB,
            memory=700 * _MB,
        ),
        Module(
            "containerd",
            upstream=_CONTAINERD,
            version=versions.CONTAINERD,
            programs={
                "containerd": f"{_CONTAINERD}/cmd/containerd",
                "containerd-shim-runc-v2": f"{_CONTAINERD}/cmd/containerd-shim-runc-v2",
                "ctr": f"{_CONTAINERD}/cmd/ctr",
            },
            # Their file systems are not ours, and btrfs would need C headers.
            tags=("no_btrfs", "no_zfs", "no_devmapper"),
            variables={f"{_CONTAINERD}/version.Version": versions.CONTAINERD},
            ask={"containerd-shim-runc-v2": ("-v",)},
            sources=500 * _MB,
            disk=700 * _MB,
            memory=400 * _MB,
        ),
        Module(
            "coredns",
            upstream="github.com/coredns/coredns",
            version=versions.COREDNS,
            programs={"coredns": "binaries/coredns"},
            ask={"coredns": ("-version",)},
            sources=500 * _MB,
            disk=700 * _MB,
            memory=400 * _MB,
        ),
        Module(
            "cni",
            upstream=_CNI,
            version=versions.CNI_PLUGINS,
            programs={
                "bridge": f"{_CNI}/plugins/main/bridge",
                "host-local": f"{_CNI}/plugins/ipam/host-local",
                "loopback": f"{_CNI}/plugins/main/loopback",
            },
            variables={
                f"{_CNI}/pkg/utils/buildversion.BuildVersion": versions.CNI_PLUGINS
            },
            # Without CNI_COMMAND they say what they are.
            ask={"bridge": (), "host-local": (), "loopback": ()},
            sources=50 * _MB,
            disk=100 * _MB,
            memory=300 * _MB,
        ),
        Module(
            "runc",
            upstream=_RUNC,
            version=versions.RUNC,
            programs={"runc": _RUNC},
            # As in upstream's Makefile: pages of a manual that nobody reads here.
            tags=("urfave_cli_no_docs",),
            variables={"main.version": versions.RUNC.removeprefix("v")},
            cgo=True,
            seccomp_tag="seccomp",
            substitute=True,
            sources=50 * _MB,
            disk=200 * _MB,
            memory=300 * _MB,
        ),
    ),
)
