"""Start, find and stop the control plane's processes, from outside."""

import dataclasses
import json
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from cluster import ports
from cluster.controlplane import process
from cluster.local import identity, kubeconfigs, machine
from cluster.statedir import write_private
from cluster.usermode import components, kernel, layout

#: components of the node that ask the API server
_NODE = ("kubelet", "coredns")


@dataclass(frozen=True)
class Machine(machine.Machine):
    """The processes whose state is in the directory `state`: a machine without walls.

    All is as with the local cluster's, but that one process takes the place of its
    outer process and its PID 1. What a start takes for an archive of images is the
    disk of a node in user-mode Linux, or None for no node.
    """

    _first = "starting the control plane"

    def pid(self) -> int | None:
        """Return the pid of the process that starts the others, or None."""
        return identity.pid_of(self.state, "outer")

    def _take(self, port: int) -> socket.socket:
        return ports.hold(port)

    def _command(self, plan_file: Path, report: int) -> list[str]:
        return process.command(plan_file, report)

    def _plan(
        self, binaries: Path, archive: Path | None, listener: socket.socket, lock: int
    ) -> process.Plan:
        port = listener.getsockname()[1]
        server = f"https://127.0.0.1:{port}"
        kubeconfigs.write_component_kubeconfigs(self.state / "pki", server)
        node = kernel.look()[0] if archive else None
        if node:
            kubeconfigs.write_component_kubeconfigs(self.state / "pki", stems=_NODE)
            self._prepare_node(binaries, archive, port)
        return process.Plan(
            state=str(self.state),
            binaries=str(binaries.resolve()),
            python=str(Path(sys.executable).resolve()),
            lock=lock,
            port=port,
            node=dataclasses.asdict(node) if node else None,
        )

    def _prepare_node(self, binaries: Path, disk: Path, port: int) -> None:
        """Write what the node is asked for, and show it its disk."""
        plan = components.Plan(
            state=str(self.state),
            binaries=str(binaries.resolve()),
            python=str(Path(sys.executable).resolve()),
            python_home=sys.base_prefix,
            port=port,
        )
        asked = json.dumps(dataclasses.asdict(plan))
        write_private(self.state / layout.PLAN, asked)
        # By a name that a kernel's command line can hold, wherever the cache is.
        (self.state / layout.DISK).symlink_to(disk.resolve())
