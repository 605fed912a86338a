"""Put a node image for kind together, from Debian's packages and our own programs.

By kind's own recipe (images/base and pkg/build/nodeimage), whose scripts and services
come out of kind's Go module. What differs: one image holds all of the static pods, and
the network is that of the local cluster instead of kindnetd's, as the node is alone.
"""

import hashlib
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

from cluster import programs, versions
from cluster.image import archive
from cluster.image.find import architecture
from cluster.machine import components
from cluster.programs import golang, recipe
from cluster.progress import Silent
from cluster.tests.engine import Engine

REPOSITORY, BASE = "kindest/node", "kindest/base"
#: packages that kind and the programs of the node need
PACKAGES = (
    "systemd",
    "systemd-sysv",
    "conntrack",
    "iptables",
    "nftables",
    "iproute2",
    "ethtool",
    "util-linux",
    "mount",
    "kmod",
    "bash",
    "ca-certificates",
    "curl",
    "jq",
    "procps",
    "runc",
)
#: the release whose systemd takes both versions of cgroups
SUITE = "bookworm"
#: the programs that kube-proxy calls, and a shell
POD_PACKAGES = ("iptables", "nftables", "busybox")
#: where programs of the node are
PROGRAMS = {
    "usr/bin": ("kubeadm", "kubelet", "kubectl"),
    "usr/local/bin": ("containerd", "containerd-shim-runc-v2", "ctr", "crictl"),
    "opt/cni/bin": ("bridge", "host-local", "loopback", "portmap"),
}
STATIC = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
PATH = "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
KUBEADM = "k8s.io/kubernetes/cmd/kubeadm"
CRICTL = "sigs.k8s.io/cri-tools/cmd/crictl"
CRICTL_VERSION = "v1.36.0"
#: Our CoreDNS has no plugins for what lies outside of a cluster. It would come before
#: kube-proxy, and then wait long.
COREDNS = r"""until nc -w 1 "$KUBERNETES_SERVICE_HOST" 443 < /dev/null; do :; done
sed -e '/^ *forward /,/}/d' -e '/^ *\(prometheus\|loop\|reload\)/d' "$2" |
  exec coredns -conf stdin"""
#: kind applies two manifests with `kubectl create`, which wants an object
MANIFESTS = ("default-cni", "default-storage")
#: runs in a container of the base; /context is what `_context` made
INSTALL = """
set -e
cp -a /context/root/. /
# Root of this machine may lack the capability to lower a score.
sed -i 's/restrict_oom_score_adj = false/restrict_oom_score_adj = true/' \
  /etc/containerd/config.toml
cd /lib/systemd/system
rm -f sysinit.target.wants/systemd-tmpfiles-setup.service sockets.target.wants/*udev*
rm -f /etc/systemd/system/*.wants/* multi-user.target.wants/*
rm -f local-fs.target.wants/* basic.target.wants/*
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


def ensure(engine: Engine) -> str:
    """Return the name of the node image, which the engine keeps; make it there."""
    inputs = [Path(__file__).read_text(), recipe.RECIPE.key(), recipe.KIND.key()]
    key = hashlib.sha256("".join(inputs).encode()).hexdigest()[:12]
    name = f"{REPOSITORY}:{key}"
    if name not in (older := _kept(engine)):
        began = time.monotonic()
        with tempfile.TemporaryDirectory(dir=engine.home) as work:
            _make(engine, Path(work), name)
        if older:
            engine.docker("rmi", "--force", *older)
        size = int(engine.docker("inspect", "--format={{.Size}}", name)) / 1e6
        print(f"node image: {time.monotonic() - began:.0f} s, {size:.0f} MB")
    return name


def _kept(engine: Engine) -> list[str]:
    form = "--format={{.Repository}}:{{.Tag}}"
    return engine.docker("images", form, REPOSITORY).split()


def _make(engine: Engine, work: Path, name: str) -> None:
    _context(work, _built(engine.home))
    base = work / "base.tar"
    _debootstrap("minbase", PACKAGES, base)
    engine.docker("import", str(base), BASE)
    run = ["run", f"--name={work.name}", "--stop-signal=SIGRTMIN+3", "--network=none"]
    run += ["--security-opt=seccomp=unconfined", f"--volume={work}:/context:ro"]
    start = 'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]'
    changes = [f"--change={line}" for line in (start, "CMD []", "ENV container=docker")]
    try:
        engine.docker(*run, BASE, "sh", "-c", INSTALL)
        engine.docker("commit", *changes, work.name, name)
    finally:
        engine.run("rm", "--force", work.name)
    engine.run("image", "prune", "--force")


def _context(work: Path, built: Path) -> None:
    """Lay out what is added to Debian: `root`, and the images of the static pods."""
    root, ours = work / "root", programs.ensure(Silent())
    module = _go("mod", "download", "-json", f"sigs.k8s.io/kind@{versions.KIND}")
    kind = Path(json.loads(module)["Dir"], "images/base/files")
    for source in kind.rglob("*"):
        if source.is_file():
            runs = "bin" in source.relative_to(kind).parts
            _put(root / source.relative_to(kind), source.read_bytes(), runs)
    for place, names in PROGRAMS.items():
        for each in names:
            found = built / each if (built / each).exists() else ours / each
            _put(root / place / each, found.read_bytes(), True)
    _put(root / "kind/version", versions.KUBERNETES.encode())
    network = components.cni_config(SimpleNamespace(service_proxy=False))
    _put(root / "etc/cni/net.d/10-lab.conflist", json.dumps(network).encode())
    for name in MANIFESTS:
        nothing = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        _put(root / f"kind/manifests/{name}.yaml", json.dumps(nothing).encode())
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
    for each in ("sh", "nc", "sed", "sleep"):
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
        # kind's containerd asks for another version of pause than kubeadm.
        full = versions.PAUSE_IMAGE if short == "pause" else full
        config = {"Entrypoint": special.get(short, []), "Env": [PATH]}
        images.append(archive.Image((full,), (layer,), config))
    archive.write_archive(images, architecture(), work / "pods.tar")


def _debootstrap(variant: str, packages: tuple[str, ...], target: Path) -> None:
    words = [f"--variant={variant}", f"--include={','.join(packages)}"]
    subprocess.run(["mmdebstrap", "--quiet", *words, SUITE, target], check=True)


def _built(home: Path) -> Path:
    """Return the directory with kubeadm and crictl: they take minutes, and are kept."""
    made = home / f"kubeadm-{versions.KUBERNETES}"
    if not made.exists():
        with tempfile.TemporaryDirectory(dir=home) as work:
            lock, out = Path(work, "lock"), Path(work, "out")
            shutil.copytree(recipe.RECIPE.root / "kubernetes", lock)
            env = {
                "GOFLAGS": "-mod=mod",
                "GOCACHE": f"{work}/cache",
                "CGO_ENABLED": "0",
            }
            variables = recipe.RECIPE.steps[0].variables.items()
            link = " ".join(
                ["-s", "-w", *(f"-X={name}={to}" for name, to in variables)]
            )
            _go("get", "-tool", KUBEADM, f"{CRICTL}@{CRICTL_VERSION}", cwd=lock, **env)
            flags = ("-trimpath", "-gcflags=all=-dwarf=false", f"-ldflags={link}")
            _go("build", *flags, f"-o={out}/", KUBEADM, CRICTL, cwd=lock, **env)
            out.rename(made)
    return made


def _go(*words: str, cwd: Path = Path("/"), **env: str) -> str:
    go = golang.find()
    assert go, "kind's sources and kubeadm's are Go modules"
    return subprocess.run(
        [go.path, *words],
        env={**golang.environment(), **env},
        cwd=cwd,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
