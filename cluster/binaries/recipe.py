"""Describe which programs are built, from what, and how. Pure: nothing runs here.

A directory in `locks/` holds a lock: a `go.mod` and a `go.sum`, which pin every
byte of the sources. There is one per upstream project: one for all of them would
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

from pathlib import Path

from cluster import versions
from cluster.binaries.steps import Recipe, Step


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


def _kubernetes(
    programs: dict[str, str], *, disk: int, passing: int, memory: int
) -> Step:
    return Step(
        lock="kubernetes",
        upstream=_KUBERNETES,
        version=versions.KUBERNETES,
        programs=programs,
        # kubectl's User-Agent is from the second one.
        variables={
            **_kubernetes_version("k8s.io/component-base/version"),
            **_kubernetes_version("k8s.io/client-go/pkg/version"),
        },
        ask={"kubectl": ("version", "--client")},
        sources=1500 * _MB,
        disk=disk * _MB,
        passing=passing * _MB,
        memory=memory * _MB,
    )


def _commands(*names: str) -> dict[str, str]:
    return {name: f"{_KUBERNETES}/cmd/{name}" for name in names}


RECIPE = Recipe(
    root=Path(__file__).parent / "locks",
    version=versions.KUBERNETES,
    steps=(
        # One step for all of Kubernetes would be a few seconds faster, but Go keeps
        # what it compiles twice until a step ends, and the disk would need 8 GB.
        _kubernetes(
            {"etcd": "go.etcd.io/etcd/server/v3"}, disk=400, passing=400, memory=300
        ),
        _kubernetes(
            _commands("kubectl", "kube-scheduler", "kube-proxy"),
            disk=2000,
            passing=2000,
            memory=600,
        ),
        _kubernetes(
            _commands("kube-controller-manager", "kubelet"),
            disk=1000,
            passing=1000,
            memory=700,
        ),
        _kubernetes(_commands("kube-apiserver"), disk=1000, passing=1000, memory=700),
        Step(
            lock="containerd",
            upstream=_CONTAINERD,
            version=versions.CONTAINERD,
            programs={
                name: f"{_CONTAINERD}/cmd/{name}"
                for name in ("containerd", "containerd-shim-runc-v2", "ctr")
            },
            # Their file systems are not ours, and btrfs would need C headers.
            tags=("no_btrfs", "no_zfs", "no_devmapper"),
            variables={f"{_CONTAINERD}/version.Version": versions.CONTAINERD},
            ask={"containerd-shim-runc-v2": ("-v",)},
            sources=500 * _MB,
            disk=500 * _MB,
            passing=500 * _MB,
            memory=400 * _MB,
        ),
        Step(
            lock="coredns",
            upstream="github.com/coredns/coredns",
            version=versions.COREDNS,
            programs={"coredns": "binaries/coredns"},
            ask={"coredns": ("-version",)},
            sources=500 * _MB,
            disk=500 * _MB,
            passing=500 * _MB,
            memory=400 * _MB,
        ),
        Step(
            lock="cni",
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
            disk=50 * _MB,
            passing=50 * _MB,
            memory=300 * _MB,
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
            sources=50 * _MB,
            disk=100 * _MB,
            passing=100 * _MB,
            memory=300 * _MB,
        ),
    ),
)

#: What a cluster made by kind needs beside the container engine. Each has an entry of
#: its own in the cache.
KIND = Recipe(
    root=RECIPE.root,
    version=versions.KIND,
    steps=(
        Step(
            lock="kind",
            upstream="sigs.k8s.io/kind",
            version=versions.KIND,
            programs={"kind": "sigs.k8s.io/kind"},
            ask={"kind": ("version",)},
            sources=30 * _MB,
            disk=150 * _MB,
            passing=150 * _MB,
            memory=300 * _MB,
        ),
    ),
)
#: What a control plane without a node needs.
CONTROL_PLANE = Recipe(
    root=RECIPE.root,
    version=versions.KUBERNETES,
    steps=(
        _kubernetes(
            {"etcd": "go.etcd.io/etcd/server/v3"}, disk=400, passing=400, memory=300
        ),
        _kubernetes(
            _commands("kubectl", "kube-scheduler"),
            disk=2000,
            passing=2000,
            memory=600,
        ),
        _kubernetes(
            _commands("kube-controller-manager"), disk=1000, passing=1000, memory=700
        ),
        _kubernetes(_commands("kube-apiserver"), disk=1000, passing=1000, memory=700),
    ),
)
#: What a notebook's own API server needs.
API_SERVER = Recipe(
    root=RECIPE.root,
    version=versions.KUBERNETES,
    steps=(
        _kubernetes(
            {"etcd": "go.etcd.io/etcd/server/v3"}, disk=400, passing=400, memory=300
        ),
        _kubernetes(_commands("kube-apiserver"), disk=2500, passing=2500, memory=700),
    ),
)
KUBECTL = Recipe(
    root=RECIPE.root,
    version=versions.KUBERNETES,
    steps=(_kubernetes(_commands("kubectl"), disk=1500, passing=1500, memory=600),),
)
