"""Describe the node: its process on the host, and the components in it. Pure.

Its differences from the local cluster's node: cluster/docs/usermode-linux.md.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path

from cluster.machine import components, layout as at
from cluster.machine.components import Component, Facts
from cluster.processes import PACKAGES, python_command
from cluster.usermode.kernel import Kernel

#: addresses in the network of slirp4netns: the host's loopback device, and the node
HOST_IP = "10.0.2.2"
GUEST_IP = "10.0.2.100"
GUEST_MASK = "255.255.255.0"
DEVICE = "vec0"
#: the node's end of the API server's way to pods and the kubelet
TUNNEL_PORT = 8132

# Relative to the state directory, where the launcher and the kernel work: paths are
# short, and hold nothing that a kernel's command line would cut in two.
FRAMES = "run/frames.sock"
ORDERS = "run/slirp.sock"
#: the socket at the API server's end of that way
WAY = "run/egress.sock"
#: The disk with the images, only read, and what PID 1 is asked for. Pods reach neither.
DISK = "run/disk"
PLAN = "run/node.json"
#: leads to our packages
PACKAGES_LINK = "run/packages"
#: The node's own state directory, in there what its kernel writes, and its other disk.
#: Pods can write to them, as the kernel shows its host's files to whoever mounts them.
STATE = "guest"
RUN = f"{STATE}/run"
WRITTEN = f"{RUN}/disk.written"
EGRESS = "etc/egress.json"

#: MB; a node with three pods leaves half of it free
MEMORY = 512

NAME = "node"
#: components inside, each with its log
INSIDE = ("containerd", "kubelet", "coredns", "relay", "tunnel")
#: seconds from SIGTERM to SIGKILL
GRACE = 1.5
RELAY = str(Path(PACKAGES, "cluster", "local", "relay.py"))
#: PID 1. Paths are in hexadecimal digits: a kernel cuts its command line at blanks.
_PROGRAM = (
    "import sys; text = lambda word: bytes.fromhex(word).decode(); "
    "sys.path.insert(0, text(sys.argv[1])); "
    "from cluster.usermode.guest import main; main(text(sys.argv[2]))"
)


@dataclass(frozen=True)
class GuestPlan:
    """The order of a start of the node; paths are the host's.

    `state` is the node's own directory, `port` the API server's on the host. With
    `archive` PID 1 makes a disk of it, by the program `mksquashfs`, and ends.
    """

    state: str
    binaries: str
    python: str
    python_home: str
    port: int = 0
    archive: str | None = None
    mksquashfs: str = ""


def kernel_command(
    kernel: Kernel,
    python: str,
    plan_file: str,
    disk: str,
    images: str | None = None,
    *,
    run: str = "run",
    packages: str = PACKAGES,
) -> list[str]:
    """Return the kernel's command line; its working directory is the state's.

    `disk` is the file of the disk that is written, `images` of one that is only read.
    `run` is the directory of the kernel's own files, `packages` that of ours.
    """
    read = [f"ubd1r={images}"] if images else []
    return [
        kernel.linux,
        # By ptrace where the host refuses it. Other kernels would hand the word to PID
        # 1.
        *(("seccomp=auto",) if kernel.seccomp else ()),
        f"mem={MEMORY}M",
        "root=/dev/root",
        # The host's files, as far as its user may read them.
        "rootfstype=hostfs",
        "rw",
        f"ubd0={disk}",
        *read,
        f"{DEVICE}:transport=bess,dst={FRAMES},depth=128,gro=1",
        "con=null",
        "con0=null,fd:1",
        "quiet",
        "panic=1",
        f"uml_dir={run}/",
        "umid=node",
        f'init="{python}"',
        "--",
        "-I",
        "-c",
        f'"{_PROGRAM}"',
        packages.encode().hex(),
        plan_file.encode().hex(),
    ]


def launcher(kernel: Kernel, python: str, state: str, egress: int) -> Component:
    """Describe the process on the host; `egress` is the port of the way to pods."""
    plan_file = f"{state}/{PLAN}"
    return Component(
        NAME,
        tuple(
            python_command(
                "cluster.usermode.launcher.main",
                str(egress),
                RELAY,
                kernel.slirp,
                kernel.mkfs,
                *kernel_command(
                    kernel,
                    python,
                    plan_file,
                    WRITTEN,
                    DISK,
                    run=RUN,
                    packages=f"{state}/{PACKAGES_LINK}",
                ),
                python=python,
            )
        ),
        # A control plane that is still starting needs all of a small machine.
        needs=("kube-apiserver", "kube-controller-manager", "kube-scheduler"),
        # For the file of the node's memory; a container's /dev/shm is small.
        env={"TMPDIR": RUN},
        # The kernel's own grace is in it, on a machine that may be busy.
        grace=GRACE + 2.5,
        background=True,
    )


def describe(facts: Facts, port: int) -> tuple[Component, ...]:
    """Return the components inside, in the order in which they are started."""
    parts = {part.name: part for part in components.describe(facts)}
    for name, *words in (
        ("relay", HOST_IP, str(port), str(at.API_PORT)),
        ("tunnel", GUEST_IP, str(TUNNEL_PORT)),
    ):
        script = (facts.python, "-ISE", f"{at.ETC}/{name}.py")
        parts[name] = Component(name, (*script, *words))
    # Without needs that nothing here meets: the API server is up.
    return tuple(
        replace(
            part,
            needs=_keep_inside(part.needs),
            stop_after=_keep_inside(part.stop_after),
        )
        for part in map(parts.__getitem__, INSIDE)
    )


def _keep_inside(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name in INSIDE)


def egress_config(state: str) -> str:
    """Return the API server's EgressSelectorConfiguration: pods are elsewhere."""
    # NB: by an http:// address instead, API server 1.37 ends at once (nil pointer).
    transport = {"uds": {"udsName": f"{state}/{WAY}"}}
    connection = {"proxyProtocol": "HTTPConnect", "transport": transport}
    return json.dumps(
        {
            "apiVersion": "apiserver.k8s.io/v1beta1",
            "kind": "EgressSelectorConfiguration",
            "egressSelections": [{"name": "cluster", "connection": connection}],
        }
    )
