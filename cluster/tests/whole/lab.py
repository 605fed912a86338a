"""The local cluster on a directory of its own, with pods that must outlive faults."""

import json
import os
from pathlib import Path

import psutil
import pytest

from cluster.local.backend import Local
from cluster.tests.lab import Lab as Base
from cluster.tests.waiting import until

#: As root, `make full` runs all of these tests as an ordinary user, in
#: cluster/tests/test_unprivileged.py, and not once more as root.
ONCE = (
    [pytest.mark.covered("cluster/tests/test_unprivileged.py")]
    if os.geteuid() == 0
    else []
)
full = pytest.mark.full("resilience of the local machine")


class Lab(Base):
    """The local cluster in `state`."""

    backend: Local

    def __init__(self, state: Path) -> None:
        super().__init__(Local(state))

    def builder(self) -> int:
        return psutil.Process(self.machine.pid()).ppid()

    def leaders(self) -> dict[str, int | None]:
        pid_1 = self.machine.pid()
        inside = {"PID 1": pid_1, "builder": self.builder()} if pid_1 else {}
        return {**super().leaders(), **inside}

    def component(self, name: str) -> dict:
        if name == "kube-proxy" and not self.machine.status()["service_proxy"]:
            pytest.skip(f"{name} does not run here: no `nft`")
        return super().component(name)

    def can_exec(self, pod: str) -> bool:
        """Return whether a command runs in the pod: kubelet and containerd work."""
        try:
            return self.sh(pod, "echo alive") == "alive\n"
        except AssertionError:
            return False

    def settle(self) -> None:
        super().settle()
        if "steady" not in self.kubectl("get", "pods", "-o", "name"):
            self.run_pod("steady")
        self.await_pod("steady")

    def assert_intact(self) -> None:
        super().assert_intact()
        self.await_pod("steady")
        # A kubelet that was just started does not know its pods for a moment.
        until(lambda: self.can_exec("steady"), 30, "exec works")

    def containers(self) -> list[tuple[str, int]]:
        """Return those of the steady pod: they outlive containerd and the kubelet."""
        found = json.loads(self.kubectl("get", "pod", "steady", "-o", "json"))
        statuses = found["status"]["containerStatuses"]
        return [(each["containerID"], each["restartCount"]) for each in statuses]
