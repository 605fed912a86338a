"""Describe which programs are built, from what, and how. Pure: nothing runs here.

A directory in `locks/` holds a lock: a `go.mod` and a `go.sum`, which pin every
byte of the sources. There is one per upstream project: one for all of them would
raise most dependencies above what each project was released and tested with.

behaviour        upstream's release    here
version, date    of the release        the same
git commit       of the release        as far as the module proxy tells, else empty
git tree state   clean                 archive: what was built is no git checkout
Go               upstream's choice     any that the `go` lines accept
Kubernetes       five programs         one, and their names are links to it
containerd       all snapshotters      without btrfs, zfs and devmapper
CoreDNS          all plugins           those that the Corefile may use
runc             static, libpathrs     linked with this machine's C library
"""

import hashlib
import platform
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from cluster import versions

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
    # No debug information: these programs are not debugged here.
    "-gcflags=all=-dwarf=false",
)


@dataclass(frozen=True)
class Step:
    """Programs that come together: downloaded, or made by one `go build`.

    `lock` is the directory of the lock, `upstream` the Go module of the programs,
    `programs` maps file name to package path. Names of one package are links to one
    program, which is them all. The linker sets `variables`; `{time}` and
    `{commit}` in them are those of the release. `ask` holds the arguments that print a
    program's version, where `--version` does not. `cgo` needs a C compiler;
    `seccomp_tag` is added where libseccomp's headers are. With `substitute` the
    distribution's program will do.
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

    @property
    def name(self) -> str:
        """Return the step's name for a person: its programs, as they are built."""
        return ", ".join(self.outputs())

    def links(self) -> dict[str, str]:
        """Return the names that lead to a program of several, and its file."""
        names = Counter(self.programs.values())
        return {
            name: default_name(package)
            for name, package in self.programs.items()
            if names[package] > 1
        }

    def outputs(self) -> dict[str, str]:
        """Return the files that a build makes, and their packages."""
        links = self.links()
        return {links.get(name, name): path for name, path in self.programs.items()}

    def question(self, directory: Path, program: str) -> list[str | Path]:
        """Return the command by which a program in `directory` tells its version."""
        return [directory / program, *self.ask.get(program, ("--version",))]

    def settings(self) -> tuple:
        """Return the settings that change the programs."""
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
    """Steps in the order in which they are built; their locks are below `root`."""

    root: Path
    version: str
    steps: tuple[Step, ...]

    def programs(self) -> list[str]:
        """Return the names of all programs."""
        return [name for step in self.steps for name in step.programs]

    def links(self) -> dict[str, str]:
        """Return the names of all programs that are links, and where they lead."""
        return {
            name: file for step in self.steps for name, file in step.links().items()
        }

    def key(self) -> str:
        """Return the name of the cache entry: version, machine, hash of all but Go."""
        # An update of Go is no reason for a build of minutes.
        digest = hashlib.sha256(repr(FLAGS).encode())
        for step in self.steps:
            digest.update(repr(step.settings()).encode())
            for path in sorted((self.root / step.lock).iterdir()):
                # Editors leave other things.
                if path.suffix in (".mod", ".sum", ".go"):
                    content = hashlib.sha256(path.read_bytes()).hexdigest()
                    digest.update(f"{path.name} {content}\n".encode())
        return f"{self.version}-{platform.machine()}-{digest.hexdigest()[:12]}"


def default_name(package: str) -> str:
    """Return the file name that Go gives to a package's program."""
    *_, parent, last = ("", *package.split("/"))
    return parent if re.fullmatch(r"v\d+", last) else last


_CNI = "github.com/containernetworking/plugins"
_CONTAINERD = "github.com/containerd/containerd/v2"
_KUBERNETES = "k8s.io/kubernetes"
_RUNC = "github.com/opencontainers/runc"
#: the program of ours that is each of these, by the name under which it is called
_ONE = "binaries/kubernetes"
_DAEMONS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
)
#: programs of Kubernetes' lock that are not in its own cmd/
_PACKAGES = {"etcd": "go.etcd.io/etcd/server/v3"}


def _kubernetes_version(package: str, version: str) -> dict[str, str]:
    """Return the variables of a package that tells Kubernetes' version."""
    major, minor, *_ = version.removeprefix("v").split(".")
    values = {
        "gitVersion": version,
        "gitMajor": major,
        "gitMinor": minor,
        # Without these two the programs would say `$Format:%H$`.
        "gitCommit": "{commit}",
        # Kubernetes' own word for sources that are not a git checkout.
        "gitTreeState": "archive",
        "buildDate": "{time}",
    }
    return {f"{package}.{name}": value for name, value in values.items()}


def _kubernetes(
    *names: str, package: str = "", version: str = versions.KUBERNETES
) -> Step:
    """Describe programs of Kubernetes' lock, all of one `package` if that is named."""
    own = f"{_KUBERNETES}/cmd/"
    return Step(
        lock="kubernetes",
        upstream=_KUBERNETES,
        version=version,
        programs={n: package or _PACKAGES.get(n, f"{own}{n}") for n in names},
        # kubectl's User-Agent is from the second one.
        variables={
            **_kubernetes_version("k8s.io/component-base/version", version),
            **_kubernetes_version("k8s.io/client-go/pkg/version", version),
        },
        ask={"kubectl": ("version", "--client")},
    )


def _recipe(version: str, *steps: Step) -> Recipe:
    return Recipe(Path(__file__).parent / "locks", version, steps)


def older_recipe(version: str, locks: Path) -> Recipe:
    """Return the recipe of what makes a server of another version, but for etcd."""
    names = ("kube-scheduler", "kube-controller-manager", "kube-apiserver")
    steps = (_kubernetes(name, version=version) for name in names)
    return Recipe(locks, version, tuple(steps))


_ETCD = _kubernetes("etcd")

#: Programs of the local cluster.
RECIPE = _recipe(
    versions.KUBERNETES,
    _ETCD,
    _kubernetes("kubectl"),
    _kubernetes(*_DAEMONS, package=_ONE),
    Step(
        lock="containerd",
        upstream=_CONTAINERD,
        version=versions.CONTAINERD,
        programs={
            name: f"{_CONTAINERD}/cmd/{name}"
            for name in ("containerd", "containerd-shim-runc-v2", "ctr")
        },
        # Snapshotters for file systems that we do not use; btrfs would need C headers.
        tags=("no_btrfs", "no_zfs", "no_devmapper"),
        variables={f"{_CONTAINERD}/version.Version": versions.CONTAINERD},
        ask={"containerd-shim-runc-v2": ("-v",)},
    ),
    Step(
        lock="coredns",
        upstream="github.com/coredns/coredns",
        version=versions.COREDNS,
        programs={"coredns": "binaries/coredns"},
        ask={"coredns": ("-version",)},
    ),
    Step(
        lock="cni",
        upstream=_CNI,
        version=versions.CNI_PLUGINS,
        programs={
            "bridge": f"{_CNI}/plugins/main/bridge",
            "host-local": f"{_CNI}/plugins/ipam/host-local",
            "loopback": f"{_CNI}/plugins/main/loopback",
            "portmap": f"{_CNI}/plugins/meta/portmap",
        },
        variables={f"{_CNI}/pkg/utils/buildversion.BuildVersion": versions.CNI_PLUGINS},
        # Without CNI_COMMAND they say what they are.
        ask={"bridge": (), "host-local": (), "loopback": (), "portmap": ()},
    ),
    Step(
        lock="runc",
        upstream=_RUNC,
        version=versions.RUNC,
        programs={"runc": _RUNC},
        # As in upstream's Makefile: pages of a manual that nobody reads here.
        tags=("urfave_cli_no_docs",),
        variables={"main.version": versions.RUNC.removeprefix("v")},
        cgo=True,
        seccomp_tag="seccomp",
        substitute=True,
    ),
)

# Each of the others has an entry of its own in the cache.

#: Programs of a control plane without a node.
CONTROL_PLANE = _recipe(
    versions.KUBERNETES,
    _ETCD,
    _kubernetes("kubectl"),
    _kubernetes(*_DAEMONS[:3], package=_ONE),
)
#: Programs of a notebook's own API server.
API_SERVER = _recipe(versions.KUBERNETES, _ETCD, _kubernetes("kube-apiserver"))
KUBECTL = _recipe(versions.KUBERNETES, _kubernetes("kubectl"))
#: Programs that a cluster of kind needs beside the container engine.
KIND = _recipe(
    versions.KIND,
    Step(
        lock="kind",
        upstream="sigs.k8s.io/kind",
        version=versions.KIND,
        programs={"kind": "sigs.k8s.io/kind"},
        ask={"kind": ("version",)},
    ),
)
