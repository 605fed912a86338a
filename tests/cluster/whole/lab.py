"""A local cluster on a directory of its own, for tests that are rough with it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from cluster.local.backend import Local
from cluster.local.machine import local_machine
from cluster.machine import identity, ports
from cluster.progress import Silent
from tests.running import sleeper
from tests.waiting import until

ROOT = Path(__file__).parents[3]
#: As root, `make full` runs all of these tests as an ordinary user, in
#: tests/cluster/test_unprivileged.py, and not once more as root.
ONCE = (
    [pytest.mark.covered("tests/cluster/test_unprivileged.py")]
    if os.geteuid() == 0
    else []
)
full = pytest.mark.full("resilience of the local machine")


class Lab:
    """The cluster in `state`, its processes as the host sees them, and kubectl."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.backend = Local(state)
        self.machine = local_machine(state)
        self.binaries, self.archive = self.backend.setup(Silent())
        self._watched: dict[str, int] = {}

    @property
    def port(self) -> int:
        return ports.port_of(self.state)

    def up(self) -> None:
        self.backend.up(Silent())

    def phase(self) -> str | None:
        status = self.machine.status()
        return status and status["phase"]

    def component(self, name: str) -> dict:
        return self.machine.status()["components"][name]

    def starter(self, **environment: str) -> subprocess.Popen:
        """Start the cluster from another process, as a shell or a kernel does."""
        return subprocess.Popen(
            [sys.executable, "-m", "helpers", "up"],
            cwd=ROOT,
            env={**self.environment(), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def environment(self) -> dict[str, str]:
        """Return the environment in which a command is about this cluster."""
        return {**os.environ, "LAB_STATE_DIR": str(self.state)}

    def kubectl(self, *arguments: str, input: str | None = None) -> str:
        done = subprocess.run(
            [self.binaries / "kubectl", *arguments],
            env={
                "KUBECONFIG": str(self.backend.kubeconfig),
                "HOME": str(self.state.parent),
            },
            input=input,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout

    def run_pod(self, name: str, **spec) -> None:
        """Start a pod that sleeps, and wait until it is Ready."""
        manifest = sleeper(name, **spec.pop("container", {}))
        manifest["spec"] |= spec
        self.kubectl("apply", "-f", "-", input=json.dumps(manifest))
        self.await_pod(name)

    def can_exec(self, pod: str) -> bool:
        """Say whether a command can be run in the pod: kubelet and containerd work."""
        try:
            return self.sh(pod, "echo alive") == "alive\n"
        except AssertionError:
            return False

    def await_pod(self, name: str) -> None:
        self.kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=50s")

    def sh(self, pod: str, script: str) -> str:
        return self.kubectl("exec", pod, "--", "sh", "-c", script)

    def namespace(self) -> str:
        """Return what names the PID namespace of the running machine.

        It stays open until `assert_nothing_left`: the kernel would soon give the same
        number to another one.
        """
        # PID 1 shows its own to nobody, and the builder is not in there.
        path = f"/proc/{self.builder()}/ns/pid_for_children"
        name = os.readlink(path)
        if name not in self._watched:
            self._watched[name] = os.open(path, os.O_RDONLY)
        return name

    def outer(self) -> int:
        return identity.pid_of(self.state, "outer")

    def builder(self) -> int:
        return psutil.Process(self.machine.pid()).ppid()

    def close(self) -> None:
        """Remove the cluster and its directory."""
        self.backend.delete()
        while self._watched:
            os.close(self._watched.popitem()[1])

    def host_pid(self, component: str) -> int:
        """Return the pid on the host of a component, by its pid inside."""
        inside = str(self.component(component)["pid"])
        for pid in members(self.namespace()):
            try:
                status = Path(f"/proc/{pid}/status").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has just ended: a hook, a probe
            numbers = next(x for x in status.splitlines() if x.startswith("NSpid:"))
            # Two levels: a pod's own processes have a third.
            if numbers.split()[-1] == inside and Path(f"/proc/{pid}/exe").exists():
                return pid
        raise AssertionError(f"{component} has no process {inside}")

    def kill(self, component: str, number: int = signal.SIGKILL) -> None:
        os.kill(self.host_pid(component), number)

    def assert_nothing_left(self, namespace: str) -> None:
        """Fail unless processes, port and mounts of that run are gone."""
        until(lambda: not self.machine.running(), what="the machine ended")
        # PID 1 lets go of the lock a moment before the kernel has ended the others.
        until(lambda: members(namespace) == [], 10, "the kernel ended the rest")
        os.close(self._watched.pop(namespace))
        assert identity.processes(self.state) == []
        listeners = [
            found
            for found in psutil.net_connections("tcp")
            if found.status == psutil.CONN_LISTEN and found.laddr.port == self.port
        ]
        assert listeners == []
        mounts = Path("/proc/self/mountinfo").read_bytes().decode("unicode_escape")
        assert self.state.name.encode().decode("latin-1") not in mounts


def members(namespace: str) -> list[int]:
    """Return the processes of a PID namespace, those of pods below it not counted."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{name}/ns/pid") == namespace:
                found.append(int(name))
    return found
