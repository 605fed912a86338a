"""Put a node image for kind together, from Debian's packages and our own programs.

By kind's own recipe (images/base and pkg/build/nodeimage), whose scripts and services
come out of kind's Go module. What differs: one image holds all of the static pods, and
a bridge of CNI's plugins takes the place of kindnetd, which a single node does without.
"""

import hashlib
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from cluster import paths, programs, versions
from cluster.image import archive
from cluster.image.cache import architecture
from cluster.programs import golang, recipe
from cluster.progress import Silent

#: what the programs of the node and kind itself ask for
PACKAGES = (
    *("systemd", "systemd-sysv", "conntrack", "iptables", "nftables", "iproute2"),
    *("ethtool", "util-linux", "mount", "kmod", "bash", "ca-certificates", "curl"),
    *("jq", "procps", "runc"),
)
#: the release whose systemd takes both versions of cgroups
SUITE = "bookworm"
#: what kube-proxy calls, and a shell
POD_PACKAGES = ("iptables", "nftables", "busybox")
NODE_PROGRAMS = ("kubeadm", "kubelet", "kubectl")
RUNTIME = ("containerd", "containerd-shim-runc-v2", "ctr", "crictl")
PLUGINS = ("bridge", "host-local", "loopback", "portmap")
STATIC = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
PATH = "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CRICTL = "sigs.k8s.io/cri-tools/cmd/crictl"
CRICTL_VERSION = "v1.36.0"
#: our CoreDNS has no plugins for what lies outside of a cluster
COREDNS = r"""sed -e '/^ *forward /,/}/d' -e '/^ *\(prometheus\|loop\|reload\)/d' "$2" |
  exec coredns -conf stdin"""
CNI = {
    "cniVersion": "1.0.0",
    "name": "lab",
    "plugins": [
        {
            "type": "bridge",
            "bridge": "cni0",
            "isGateway": True,
            "ipMasq": True,
            "hairpinMode": True,
            "ipam": {
                "type": "host-local",
                "dataDir": "/run/cni-ipam",
                # The first of the nodes' networks in kind's 10.244.0.0/16.
                "ranges": [[{"subnet": "10.244.0.0/24"}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        },
        {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True},
    ],
}
#: kind applies both with `kubectl create`, which wants an object
MANIFESTS = {
    "default-cni": {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "cni", "namespace": "kube-system"},
        "data": {"10-lab.conflist": json.dumps(CNI)},
    },
    "default-storage": {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": "standard",
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer",
    },
}
#: runs in a container of the base; /context is what `_context` made
INSTALL = """
set -e
cp -a /context/root/. /
# Root of this machine may lack the capability to lower a score.
sed -i 's/restrict_oom_score_adj = false/restrict_oom_score_adj = true/' \
  /etc/containerd/config.toml
find /lib/systemd/system/sysinit.target.wants -name systemd-tmpfiles-setup.service -delete
rm -f /lib/systemd/system/multi-user.target.wants/* /etc/systemd/system/*.wants/*
rm -f /lib/systemd/system/local-fs.target.wants/* /lib/systemd/system/basic.target.wants/*
rm -f /lib/systemd/system/sockets.target.wants/*udev*
echo ReadKMsg=no >> /etc/systemd/journald.conf
systemctl enable kubelet.service containerd.service undo-mount-hacks.service
systemctl mask systemd-binfmt.service
mkdir -p /etc/kubernetes/manifests
hook='{"path": "/kind/bin/mount-product-files.sh"}'
ctr oci spec |
  jq ".hooks.createContainer += [$hook] | del(.process.rlimits)" \
  > /etc/containerd/cri-base.json
containerd > /tmp/containerd.log 2>&1 &
until ctr version > /dev/null 2>&1; do
  kill -0 $! || { cat /tmp/containerd.log >&2; exit 1; }
done
ctr --namespace=k8s.io images import --label=io.cri-containerd.pinned=pinned \
  --all-platforms --no-unpack /context/pods.tar
kill $!
wait
rm /tmp/containerd.log
"""


def ensure(docker: list[str | Path]) -> Path:
    """Return an archive of the node image; make it by the engine of `docker`."""
    inputs = [Path(__file__).read_text(), recipe.RECIPE.key(), recipe.KIND.key()]
    key = hashlib.sha256("".join(inputs).encode()).hexdigest()[:12]
    made = paths.cache_dir() / "kind" / f"kind-node-{key}.tar"
    if made.exists():
        return made
    began = time.monotonic()
    made.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=made.parent) as work:
        _make(docker, Path(work), f"kind-node-{key}")
        Path(work, "image.tar").rename(made)
    seconds, size = time.monotonic() - began, made.stat().st_size / 1e6
    print(f"node image for kind: {seconds:.0f} s, {size:.0f} MB")
    return made


def name(key: str) -> str:
    return f"kindest/node:{key}"


def _make(docker: list[str | Path], work: Path, name: str) -> None:
    _context(work)
    base = work / "base.tar"
    _debootstrap("minbase", PACKAGES, base)
    subprocess.run([*docker, "import", base, name], check=True)
    run = ["run", f"--name={name}", "--stop-signal=SIGRTMIN+3", "--network=none"]
    run += ["--security-opt=seccomp=unconfined", f"--volume={work}:/context:ro"]
    try:
        subprocess.run([*docker, *run, name, "sh", "-c", INSTALL], check=True)
        changes = [
            'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]',
            "ENV container=docker",
            "CMD []",
        ]
        words = [f"--change={change}" for change in changes]
        subprocess.run([*docker, "commit", *words, name, name], check=True)
    finally:
        subprocess.run([*docker, "rm", "--force", name])
    subprocess.run(
        [*docker, "save", f"--output={work / 'image.tar'}", name], check=True
    )


def _context(work: Path) -> None:
    """Lay out what is added to Debian: `root`, and the images of the static pods."""
    root, ours, built = work / "root", programs.ensure(Silent()), _built()
    kind = _module("sigs.k8s.io/kind", versions.KIND) / "images/base/files"
    for source in kind.rglob("*"):
        if source.is_file():
            runs = "bin" in source.relative_to(kind).parts
            _put(root / source.relative_to(kind), source.read_bytes(), runs)
    places = {
        "usr/bin": NODE_PROGRAMS,
        "usr/local/bin": RUNTIME,
        "opt/cni/bin": PLUGINS,
    }
    for place, names in places.items():
        for each in names:
            found = built / each if (built / each).exists() else ours / each
            _put(root / place / each, found.read_bytes(), True)
    _put(root / "kind/version", versions.KUBERNETES.encode())
    _put(root / "etc/cni/net.d/10-lab.conflist", json.dumps(CNI).encode())
    for file, manifest in MANIFESTS.items():
        text = json.dumps(manifest)
        _put(root / f"kind/manifests/{file}.yaml", text.encode())
    _pods(work, ours, built)


def _put(path: Path, content: bytes, runs: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o755 if runs else 0o644)


def _pods(work: Path, ours: Path, built: Path) -> None:
    """Write the images that kubeadm asks for: one root, with all of their programs."""
    system = work / "pods"
    _debootstrap("extract", POD_PACKAGES, system)
    tree = archive.scan(system)
    for each in ("iptables", "ip6tables"):
        for tool in (each, f"{each}-save", f"{each}-restore"):
            tree[f"usr/sbin/{tool}"] = archive.Entry(target="xtables-nft-multi")
    for each in ("sh", "sed", "sleep"):
        tree[f"bin/{each}"] = archive.Entry(target="busybox")
    for each in (*STATIC, "kube-proxy", "coredns"):
        tree[f"usr/local/bin/{each}"] = archive.Entry(source=ours / each)
    layer = archive.write_layer(tree, work / "layer.tar")
    asked = subprocess.run(
        [built / "kubeadm", "config", "images", "list"]
        + [f"--kubernetes-version={versions.KUBERNETES}"],
        capture_output=True,
        text=True,
        check=True,
    )
    special = {
        "coredns": ["/bin/sh", "-c", COREDNS, "coredns"],
        "pause": ["/bin/sleep", "infinity"],
    }
    images = []
    for full in asked.stdout.split():
        short = full.rpartition(":")[0].rpartition("/")[2]
        # Another version than kubeadm's is what kind's containerd asks for.
        full = versions.PAUSE_IMAGE if short == "pause" else full
        config = {"Entrypoint": special.get(short, []), "Env": [PATH]}
        images.append(archive.Image((full,), (layer,), config))
    archive.write_archive(images, architecture(), work / "pods.tar")


def _debootstrap(variant: str, packages: tuple[str, ...], target: Path) -> None:
    words = [f"--variant={variant}", f"--include={','.join(packages)}"]
    subprocess.run(["mmdebstrap", "--quiet", *words, SUITE, target], check=True)


def _built() -> Path:
    """Return the directory with kubeadm and crictl: once in the life of a cache."""
    made = paths.cache_dir() / "kind" / f"kubeadm-{versions.KUBERNETES}"
    if made.exists():
        return made
    go = golang.find(recipe.RECIPE.minimum())
    assert go, "kubeadm is built with Go"
    with tempfile.TemporaryDirectory(dir=made.parent) as work:
        lock, out = Path(work, "lock"), Path(work, "out")
        shutil.copytree(recipe.RECIPE.root / "kubernetes", lock)
        env = {**golang.environment(), "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0"}
        env |= {"GOCACHE": f"{work}/compiled"}
        kubeadm = "k8s.io/kubernetes/cmd/kubeadm"
        [step] = recipe._recipe("", recipe._kubernetes("kubeadm")).steps
        set_ = [f"-X={name}={value}" for name, value in step.variables.items()]
        get = ["get", "-tool", kubeadm, f"{CRICTL}@{CRICTL_VERSION}"]
        build = ["build", "-trimpath", "-gcflags=all=-dwarf=false", f"-o={out}/"]
        link = " ".join(["-s", "-w", *set_])
        for words in (get, [*build, f"-ldflags={link}", kubeadm, CRICTL]):
            subprocess.run([go.path, *words], cwd=lock, env=env, check=True)
        out.rename(made)
    return made


def _module(path: str, version: str) -> Path:
    """Return the sources of a Go module, as the module cache has them."""
    go = golang.find(recipe.RECIPE.minimum())
    assert go, "kind's sources are a Go module"
    asked = subprocess.run(
        [go.path, "mod", "download", "-json", f"{path}@{version}"],
        env=golang.environment(),
        cwd="/",
        capture_output=True,
        check=True,
    )
    return Path(json.loads(asked.stdout)["Dir"])
