"""Start, find and stop the control plane's processes, from outside."""

import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from helpers.controlplane import ports, process
from helpers.local import identity, machine, pki


@dataclass(frozen=True)
class Machine(machine.Machine):
    """The processes whose state is in the directory `state`: a machine without walls.

    All is as with the local cluster's, but that one process takes the place of its
    outer process and its PID 1.
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
        pki.write_component_kubeconfigs(self.state / "pki", server)
        return process.Plan(
            state=str(self.state),
            binaries=str(binaries.resolve()),
            python=str(Path(sys.executable).resolve()),
            lock=lock,
            port=port,
        )
