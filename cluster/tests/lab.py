"""A cluster on a directory of its own, for tests that are rough with it.

PYTEST_DONT_REWRITE: tests read the messages of its assertions as they stand.
"""

import contextlib
import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil

from cluster import errors
from cluster.local.backend import Local
from cluster.machine import identity, ports
from cluster.progress import Silent
from cluster.tests.commandline import COMMAND, ROOT, environment, helpers
from cluster.tests.running import sleeper
from cluster.tests.waiting import until

#: settings that mislead a program that reads them
SURROUNDINGS = {
    "http_proxy": "http://127.0.0.1:1",
    "https_proxy": "http://127.0.0.1:1",
    "LANG": "C",
    "LC_ALL": "C",
}


class Lab:
    """The cluster of a backend, its processes as the host sees them, and kubectl."""

    #: how many sockets of the host it listens at
    listeners = 1
    #: seconds after which a stop would be the kernel's
    killed_after = 7.5
    #: seconds that kubectl may take, and what runs a pod until that is Ready
    seconds = 60

    def __init__(self, backend: Local) -> None:
        self.backend = backend
        self.state = backend.state
        self.machine = backend._machine
        self.binaries, self.archive = backend.setup(Silent())

    @property
    def port(self) -> int:
        return ports.port_of(self.state)

    def up(self) -> None:
        self.backend.up(Silent())

    def close(self) -> None:
        """Remove the cluster and its directory."""
        self.backend.delete()

    def phase(self) -> str | None:
        status = self.machine.status()
        return status and status["phase"]

    def component(self, name: str) -> dict:
        return self.machine.status()["components"][name]

    # --- The command line, from another process -----------------------------------

    def environment(self) -> dict[str, str]:
        """Return the environment in which a command is about this cluster."""
        ours = {"LAB_STATE_DIR": self.state, "LAB_BACKEND": self.backend.name}
        return environment({**SURROUNDINGS, **ours})

    def command(self, *words: str) -> subprocess.CompletedProcess:
        return helpers(*words, env=self.environment())

    def caller(self, *words: str) -> subprocess.Popen:
        """Begin a command, as a shell or a kernel does; stdout has both streams."""
        return subprocess.Popen(
            [*COMMAND, *words],
            cwd=ROOT,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            umask=0o077,
        )

    # --- Its users ----------------------------------------------------------------

    @property
    def for_kubectl(self) -> dict[str, str]:
        """Return the environment of a kubectl that knows this cluster alone."""
        kubeconfig = self.backend.kubeconfig
        return {"KUBECONFIG": str(kubeconfig), "HOME": str(self.state.parent)}

    def kubectl(self, *words: str, input: str | None = None) -> str:
        done = subprocess.run(
            [self.binaries / "kubectl", *words],
            env=self.for_kubectl,
            input=input,
            capture_output=True,
            text=True,
            timeout=self.seconds + 10,
        )
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def run_pod(self, name: str, **spec) -> None:
        """Start a pod that sleeps, and wait until it is Ready."""
        manifest = sleeper(name, **spec.pop("container", {}))
        manifest["spec"] |= spec
        self.kubectl("apply", "-f", "-", input=json.dumps(manifest))
        self.await_pod(name)

    def await_pod(self, name: str, what: str = "condition=Ready") -> None:
        timeout = f"--timeout={self.seconds}s"
        self.kubectl("wait", f"--for={what}", f"pod/{name}", timeout)

    def sh(self, pod: str, script: str) -> str:
        return self.kubectl("exec", pod, "--", "sh", "-c", script)

    # --- What must outlive a fault ------------------------------------------------

    def settle(self) -> None:
        """Make what must be there afterwards."""
        if "steady" not in self.kubectl("get", "configmaps", "-o", "name"):
            self.kubectl("create", "configmap", "steady", "--from-literal=key=value")

    def assert_intact(self) -> None:
        """Fail unless what was acknowledged is there."""
        found = self.kubectl("get", "configmap", "steady", "-o=jsonpath={.data.key}")
        assert found == "value"

    def containers(self) -> list:
        """Return what no component may take with it."""
        return []

    # --- Its processes ------------------------------------------------------------

    def leaders(self) -> dict[str, int | None]:
        """Return the pids on the host of those without whom all the rest must end."""
        return {"outer": identity.pid_of(self.state, "outer")}

    def begun(self) -> int | None:
        """Return whether a start has come to what the moments of a kill are after."""
        return self.leaders()["outer"]

    def processes(self) -> list[psutil.Process]:
        """Return every process, on the host; those of pods, too."""
        if (pid := self.leaders()["outer"]) is None:
            return []
        outer = psutil.Process(pid)
        return [outer, *outer.children(recursive=True)]

    def process(self, component: str) -> psutil.Process:
        """Return the process of a component, by its pid inside."""
        inside = str(self.component(component)["pid"])
        levels = len(_numbers(self.machine.pid()))
        for process in self.processes():
            with contextlib.suppress(OSError):  # just ended: a hook, a probe
                # A pod's own processes are a level deeper.
                numbers = _numbers(process.pid)
                if len(numbers) == levels and numbers[-1] == inside:
                    return process
        raise AssertionError(f"{component} has no process {inside}")

    def kill(self, component: str, number: int = signal.SIGKILL) -> None:
        self.process(component).send_signal(number)

    @contextlib.contextmanager
    def ending(self) -> Iterator[None]:
        """Fail unless the block ends it: its processes, port and mounts are gone."""
        before, port = self.processes(), self.port
        yield
        until(lambda: not self.machine.running(), what="it ended")
        # The leader lets go of the lock a moment before the kernel has ended the rest.
        until(lambda: not [*filter(_alive, before)], 10, "the kernel ended the rest")
        assert identity.processes(self.state) == []
        there = [each for each in psutil.process_iter(["cwd"]) if _alive(each)]
        assert [p for p in there if p.info["cwd"] == str(self.state)] == []
        # A child forked in the moment of the kill has the socket until it ends, too.
        until(lambda: _is_free(port), 10, f"port {port} can be had")
        mounts = Path("/proc/self/mountinfo").read_bytes().decode("unicode_escape")
        assert str(self.state).encode().decode("latin-1") not in mounts


def _is_free(port: int) -> bool:
    with contextlib.suppress(errors.PortTaken):
        ports.hold(port).close()
        return True
    return False


def _numbers(pid: int | None) -> list[str]:
    """Return the numbers of a process, in each PID namespace from ours on."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(x for x in lines if x.startswith("NSpid:")).split()[1:]


def _alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def hear(caller: subprocess.Popen, words: str) -> str:
    """Read what a command says until `words` are in a line; return all of it."""
    said = ""
    for line in caller.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(f"{words!r} was not said: {said}")
