"""Describe the node: its process on the host, and the components in it. Pure.

The components are those of the local cluster. What differs in them, and why:

=====================  =========================  ==================================
behaviour              local cluster              here
=====================  =========================  ==================================
control plane          beside the node            on the host; the node's relay leads
                                                  to it, under the same addresses
API server to pods     directly                   by HTTP CONNECT, through the tunnel
kube-proxy             where nft is               none: a newer kernel has no NAT table
registry               has imported images        none: no image can be added, and what
                                                  has to be pulled is not there
disk                   the state directory        one made once with the images, only
                                                  read, and one that goes with its run
=====================  =========================  ==================================
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path

from cluster.machine import components, layout as at
from cluster.machine.components import Component, Facts
from cluster.processes import PACKAGES, python_command
from cluster.usermode import launcher as end_of_kernel, layout
from cluster.usermode.kernel import Kernel

NAME = "node"
#: components inside, each with its log
INSIDE = ("containerd", "kubelet", "coredns", "relay", "tunnel")
RELAY = str(Path(PACKAGES, "cluster", "local", "relay.py"))
#: Its PID 1. Paths are in hexadecimal digits: a kernel cuts its command line at blanks.
_PROGRAM = (
    "import sys; text = lambda word: bytes.fromhex(word).decode(); "
    "sys.path.insert(0, text(sys.argv[1])); "
    "from cluster.usermode.guest import main; main(text(sys.argv[2]))"
)


@dataclass(frozen=True)
class GuestPlan:
    """What is asked of PID 1 in the node; paths are the host's.

    `state` is the node's own directory, `port` the API server's on the host. With
    `archive` it makes a disk of it, by the program `mksquashfs`, and ends.
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

    `disk` is the file of the one that is written, `images` of one that is only read.
    `run` is where the kernel puts its own files, `packages` where PID 1 finds ours.
    """
    read = [f"ubd1r={images}"] if images else []
    return [
        kernel.linux,
        # Where the host refuses it, by ptrace. A kernel that does not know the word
        # would hand it on to PID 1.
        *(("seccomp=auto",) if kernel.seccomp else ()),
        f"mem={layout.MEMORY}M",
        "root=/dev/root",
        # The host's files, as far as its user may read them.
        "rootfstype=hostfs",
        "rw",
        f"ubd0={disk}",
        *read,
        f"{layout.DEVICE}:transport=bess,dst={layout.FRAMES},depth=128,gro=1",
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
    plan_file = f"{state}/{layout.PLAN}"
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
                    *(kernel, python, plan_file, layout.WRITTEN, layout.DISK),
                    run=layout.RUN,
                    packages=f"{state}/{layout.PACKAGES}",
                ),
                python=python,
            )
        ),
        # A control plane that is still starting needs all of a small machine.
        needs=("kube-apiserver", "kube-controller-manager", "kube-scheduler"),
        # Its memory is a file there; /dev/shm is small in a container, and everybody's.
        env={"TMPDIR": layout.RUN},
        # It gives the kernel its own grace, on a machine that may be busy.
        grace=end_of_kernel.GRACE + 2.5,
        background=True,
    )


def describe(facts: Facts, port: int) -> tuple[Component, ...]:
    """Return the components inside, in the order in which they are started."""
    parts = {part.name: part for part in components.describe(facts)}
    parts["relay"] = Component(
        "relay",
        (
            *(facts.python, "-ISE", f"{at.ETC}/relay.py"),
            *(layout.HOST_IP, str(port), str(at.API_PORT)),
        ),
    )
    parts["tunnel"] = Component(
        "tunnel",
        (
            facts.python,
            "-ISE",
            f"{at.ETC}/tunnel.py",
            layout.GUEST_IP,
            str(layout.TUNNEL_PORT),
        ),
    )
    return tuple(_alone(parts[name], INSIDE) for name in INSIDE)


def _alone(part: Component, names: tuple[str, ...]) -> Component:
    """Return the part without needs that nothing here meets: the API server is up."""
    return replace(
        part,
        needs=tuple(name for name in part.needs if name in names),
        stop_after=tuple(name for name in part.stop_after if name in names),
    )


def egress_config(socket: str) -> str:
    """Return the API server's EgressSelectorConfiguration: pods are elsewhere."""
    # NB: by an http:// address instead, API server 1.37 ends at once (nil pointer).
    transport = {"uds": {"udsName": socket}}
    connection = {"proxyProtocol": "HTTPConnect", "transport": transport}
    return json.dumps(
        {
            "apiVersion": "apiserver.k8s.io/v1beta1",
            "kind": "EgressSelectorConfiguration",
            "egressSelections": [{"name": "cluster", "connection": connection}],
        }
    )
