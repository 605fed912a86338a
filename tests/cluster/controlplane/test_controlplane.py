"""The control plane starts, ends and is found again as plain processes, real ones."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from cluster import errors
from cluster.controlplane.backend import ControlPlane
from cluster.machine import identity, ports
from cluster.progress import Silent
from cluster.usermode import kernel
from helpers import command, pods
from helpers.connection import Cluster
from tests.patience import patience
from tests.waiting import until

ROOT = Path(__file__).parents[3]
full = pytest.mark.full("other backends")


@pytest.fixture(scope="module", autouse=True)
def without_a_node():
    """Start none where one could be had: tests/cluster/usermode/ has those."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(kernel.VARIABLE, "none")
        yield


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Return a control plane in a directory that no socket's path could hold."""
    name = f'état d\'un "labo" & co, $HOME {"x" * 90}'
    lab = ControlPlane(tmp_path_factory.mktemp("plain") / name / "state")
    yield lab
    lab.delete()


@pytest.fixture
def running(lab):
    lab.up(Silent())
    return lab


def members(state: Path) -> list[psutil.Process]:
    """Return every process that works in the state directory."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()) == state:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def kubectl(lab, *arguments: str, input: str | None = None) -> str:
    done = subprocess.run(
        [lab.binaries() / "kubectl", f"--kubeconfig={lab.kubeconfig}", *arguments],
        env={"HOME": str(lab.state)},
        input=input,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def assert_nothing_left(lab):
    assert members(lab.state) == []
    assert not lab.running()
    # Nobody has its port any more, and it can be had at once.
    ports.hold(ports.port_of(lab.state)).close()


def test_status_says_what_is_there_and_what_is_not(running):
    status = running.status()
    assert status["phase"] == "ready"
    assert list(status["components"]) == list(running.logs[1:])
    assert {part["state"] for part in status["components"].values()} == {"running"}
    assert "kubelet" in status["absent"]
    assert status["server"] == f"https://127.0.0.1:{ports.port_of(running.state)}"


def test_it_is_a_genuine_api_server_with_controllers_and_no_node(running):
    assert kubectl(running, "get", "nodes", "-o", "name") == ""
    assert kubectl(running, "auth", "whoami", "-o", "name")
    name = f"d{time.monotonic_ns()}"
    kubectl(running, "create", "deployment", name, "--image=toolbox:1")
    ask = ("get", "pods", f"--selector=app={name}", "-o", "json")
    [pod] = until(lambda: json.loads(kubectl(running, *ask))["items"])
    assert pod["status"]["phase"] == "Pending"
    until(
        lambda: "no nodes available" in kubectl(running, *ask),
        what="the scheduler's word",
    )
    kubectl(running, "delete", "deployment", name)


def test_it_listens_on_the_loopback_device_alone(running):
    ours = [process for process in members(running.state)]
    listening = [
        connection.laddr.ip
        for process in ours
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) == 4 and set(listening) == {"127.0.0.1"}


def test_its_port_is_nobody_elses(running):
    port = ports.port_of(running.state)
    with pytest.raises(errors.PortTaken):
        ports.hold(port)
    with socket.socket() as other, pytest.raises(OSError):
        other.bind(("127.0.0.1", port))


def test_a_second_start_attaches(running):
    pid = identity.pid_of(running.state, "outer")
    running.up(Silent())
    assert identity.pid_of(running.state, "outer") == pid
    with pytest.raises(errors.StartFailed):
        running.up(Silent(), port=ports.port_of(running.state) % 60000 + 1024)


def test_it_is_nobodys_child_and_in_a_session_of_its_own(running):
    process = psutil.Process(identity.pid_of(running.state, "outer"))
    assert psutil.Process() not in process.parents()
    assert os.getsid(process.pid) != os.getsid(0)


def test_a_stop_keeps_the_objects_and_the_port(running):
    name = f"kept-{time.monotonic_ns()}"
    port = ports.port_of(running.state)
    kubectl(running, "create", "namespace", name)
    assert running.stop() is True
    assert_nothing_left(running)
    assert running.stop() is False
    running.up(Silent())
    assert name in kubectl(running, "get", "namespaces", "-o", "name")
    assert ports.port_of(running.state) == port


def test_what_needs_a_node_is_refused_in_one_line(running):
    with pytest.raises(errors.NoNode) as caught:
        running.images()
    assert "no" in str(caught.value) and "\n" not in str(caught.value)
    assert "lessons 00" in str(caught.value)
    with pytest.raises(errors.UnknownComponent):
        running.log("kubelet", 5)


@pytest.fixture
def connected(running, monkeypatch):
    """Return the cluster as a notebook has it, in this process, for one test."""
    monkeypatch.setattr(command, "_kubeconfig", running.kubeconfig)
    monkeypatch.setattr(command, "_backend", running)
    monkeypatch.setenv("KUBECONFIG", str(running.kubeconfig))
    path = f"{running.binaries()}{os.pathsep}{os.environ['PATH']}"
    monkeypatch.setenv("PATH", path)
    return Cluster.read(running.name, running.kubeconfig)


def test_its_repr_says_which_backend_it_is(connected):
    assert "(control-plane cluster, context lab)" in repr(connected)


def test_a_lesson_of_pods_ends_before_it_makes_anything(connected):
    with pytest.raises(errors.NoNode) as caught:
        connected.create_namespace("pod-metadata")
    assert "\n" not in str(caught.value)
    assert "pod-metadata" not in command.kubectl("get", "namespaces").stdout
    name = connected.create_namespace("start-here")
    command.kubectl("delete", "namespace", name, "--wait=false")


def test_waiting_for_a_pod_ends_as_soon_as_it_is_hopeless(connected):
    name = f"never-{time.monotonic_ns()}"
    command.kubectl("create", "job", name, "--image=toolbox:1")
    with pytest.raises(errors.NoNode) as caught:
        pods.wait_for("condition=Complete", f"job/{name}", timeout=600)
    assert caught.value.what == f"job/{name}"
    command.kubectl("delete", "job", name)
    # What no pod is needed for is waited for as ever.
    pods.wait_for("jsonpath={.status.phase}=Active", "namespace/default", timeout=20)


def test_a_broken_component_fails_the_start_and_leaves_nothing(lab, tmp_path):
    lab.stop()
    broken = tmp_path / "bin"
    broken.mkdir()
    for program in lab.binaries().iterdir():
        (broken / program.name).symlink_to(program)
    (broken / "kube-scheduler").unlink()
    (broken / "kube-scheduler").write_text("#!/bin/sh\necho no scheduling; exit 3\n")
    (broken / "kube-scheduler").chmod(0o755)
    with pytest.raises(errors.ComponentFailed) as caught:
        lab._machine.start(broken, None, 0, Silent())
    assert caught.value.component == "kube-scheduler"
    assert "no scheduling" in str(caught.value)
    assert_nothing_left(lab)


@full
def test_killed_at_any_moment_it_leaves_nothing(lab):
    """Whatever is alive just then: the process alone, or some of its components."""
    moments = random.Random(8)
    for delay in [moments.uniform(0.0, 3.0) for _ in range(8)]:
        lab.stop()
        starter = subprocess.Popen(
            [sys.executable, "-c", STARTER, str(lab.state)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        pid = until(lambda: identity.pid_of(lab.state, "outer"), 30)
        # The moment is the test's subject: this is no waiting for something.
        time.sleep(delay)
        os.kill(pid, signal.SIGKILL)
        until(lambda: not lab.running(), patience(5), f"the end, after {delay:.2f} s")
        assert members(lab.state) == [], delay
        starter.wait(timeout=60)
        assert_nothing_left(lab)
    lab.up(Silent())
    assert lab.status()["phase"] == "ready"


STARTER = (
    "import sys; from pathlib import Path;"
    "from cluster.controlplane.backend import ControlPlane;"
    "ControlPlane(Path(sys.argv[1])).up()"
)


@full
def test_a_delete_leaves_nothing_at_all(tmp_path):
    lab = ControlPlane(tmp_path / "state")
    lab.up(Silent())
    assert lab.delete() is True
    assert not lab.state.exists() and members(lab.state) == []
    assert lab.delete() is False
