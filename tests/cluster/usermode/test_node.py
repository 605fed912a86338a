"""A node in user-mode Linux starts after the control plane, runs pods and ends with it.

A real one: for machines that have the kernel, and the programs and images in the cache.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from cluster import errors
from cluster.controlplane.backend import ControlPlane
from cluster.machine import identity
from cluster.machine.ports import port_of
from cluster.progress import Silent
from cluster.usermode import kernel, walls
from tests.patience import patience
from tests.waiting import until

pytestmark = [
    pytest.mark.full("user-mode Linux"),
    pytest.mark.skipif(
        kernel.find()[0] is None, reason=kernel.find()[1] or "it can be had"
    ),
]
NODE = "lab-control-plane"
#: serves the pod's files, and says in its log what was asked for
SERVER = ("python3", "-u", "-m", "http.server", "--directory", "/")
#: what a pod asks of the API server, with its own token
SECRETS = "/var/run/secrets/kubernetes.io/serviceaccount"
ASK = f"""curl -sS --cacert {SECRETS}/ca.crt -H "Authorization: Bearer $(cat \
    {SECRETS}/token)" https://kubernetes.default.svc/api/v1/namespaces"""
#: seconds, on a machine that does other things, too
LONG = 90
#: how much of a processor a loop of two seconds gets
LOOP = """import time
began, used = time.monotonic(), time.process_time()
while time.monotonic() < began + 2: pass
print((time.process_time() - used) / 2)"""
#: how many more threads, which count as processes, a pod gets
CROWD = """import threading
threading.stack_size(65536)
end = threading.Event()
try:
    for count in range(1000): threading.Thread(target=end.wait).start()
except RuntimeError: pass
end.set()
print(count)"""
HOSTILE = Path(__file__).with_name("hostile.py")
HUNGER = "kept = []; [kept.append(bytearray(1 << 20)) for _ in range(500)]"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Return one in a directory that no kernel's command line could name."""
    name = 'état d\'un "labo" & co, $HOME'
    with pytest.MonkeyPatch.context() as patch:
        state = tmp_path_factory.mktemp("usermode") / name / "state"
        patch.setenv("LAB_STATE_DIR", str(state))
        lab = ControlPlane(state)
        lab.up(Silent())
        yield lab
        lab.delete()


@pytest.fixture
def ready(lab):
    lab.up(Silent())
    until(lambda: lab.node() == "running", LONG, "the node")
    return lab


def kubectl(lab, *arguments: str, input: str | None = None) -> str:
    done = subprocess.run(
        [lab.binaries() / "kubectl", f"--kubeconfig={lab.kubeconfig}", *arguments],
        env={"HOME": str(lab.state)},
        input=input,
        capture_output=True,
        text=True,
        timeout=LONG,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def processes(lab) -> list[psutil.Process]:
    """Return all that work in the state directory, the node's kernel among them."""
    found = []
    for process in psutil.process_iter(["cwd", "name"]):
        if process.info["cwd"] == str(lab.state):
            found.append(process)
    return found


def kernels(lab) -> list[psutil.Process]:
    return [each for each in processes(lab) if each.info["name"] == "linux.uml"]


def test_the_control_plane_is_ready_before_its_node(lab):
    status = lab.status()
    assert status["phase"] == "ready" and status["absent"] == []
    assert status["awaited"] == [] and "node" in status["components"]
    lab.require_node("A pod", wait=False)


def test_a_pod_runs_and_is_reached_from_outside(ready):
    kubectl(ready, "run", "one", "--image=toolbox:1", "--", *SERVER)
    kubectl(ready, "wait", "--for=condition=Ready", "pod/one", f"--timeout={LONG}s")
    # exec and logs go to the kubelet, a proxied request to the pod itself.
    kernel_of_pod = kubectl(ready, "exec", "one", "--", "cat", "/proc/cpuinfo")
    assert "User Mode Linux" in kernel_of_pod
    path = "/api/v1/namespaces/default/pods/one:8000/proxy/etc/hostname"

    def answers():
        try:
            return kubectl(ready, "get", "--raw", path).strip() == "one"
        except AssertionError:
            return False  # the server in the pod is not listening yet

    until(answers, 30, "the pod's own answer")
    until(lambda: "GET /etc/hostname" in kubectl(ready, "logs", "one"))


def test_a_pod_finds_the_api_server_by_name_and_is_known_to_it(ready):
    """Needs the pod of the test before."""
    answer = kubectl(ready, "exec", "one", "--", "sh", "-c", ASK)
    assert "system:serviceaccount:default:default" in answer


def test_its_kernel_runs_processes_as_the_doctor_says(ready):
    """By ptrace it traces them, by seccomp it does not."""
    found, _ = kernel.find()
    main = min(kernels(ready), key=psutil.Process.create_time)
    assert (main.pid in map(tracer, main.children())) is not found.seccomp


def tracer(process: psutil.Process) -> int | None:
    with contextlib.suppress(OSError):  # it may have ended
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        [line] = [line for line in lines if line.startswith("TracerPid:")]
        return int(line.split()[1])
    return None


def pod(name: str, *command: str, **limits: str) -> str:
    """Return a manifest."""
    container = {
        "name": "main",
        "image": "toolbox:1",
        "command": command,
        # Whoever requests that waits for a node that says how much it has.
        "resources": {"limits": limits, "requests": {"ephemeral-storage": "1Mi"}},
    }
    spec = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 0,
        "containers": [container],
    }
    return json.dumps(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
    )


def test_a_fork_bomb_ends_at_the_limit_of_its_pod(ready):
    """Needs the pod of a test before."""
    assert 400 < int(kubectl(ready, "exec", "one", "--", "python3", "-c", CROWD)) < 512


def test_a_container_that_exceeds_its_memory_is_killed(ready):
    manifest = pod("hungry", "python3", "-c", HUNGER, memory="32Mi")
    kubectl(ready, "apply", "-f", "-", input=manifest)
    state = "{.status.containerStatuses[0].state.terminated.reason}"
    kubectl(
        *(ready, "wait", "pod/hungry", f"--for=jsonpath={state}", f"--timeout={LONG}s")
    )
    assert (
        kubectl(ready, "get", "pod", "hungry", "-o", f"jsonpath={state}") == "OOMKilled"
    )


def test_a_limited_container_gets_its_share_and_no_more_and_can_be_resized(ready):
    manifest = pod("slow", "sleep", "infinity", cpu="200m", memory="64Mi")
    kubectl(ready, "apply", "-f", "-", input=manifest)
    kubectl(ready, "wait", "--for=condition=Ready", "pod/slow", f"--timeout={LONG}s")
    in_pod = ("exec", "slow", "--")
    assert 0.1 < float(kubectl(ready, *in_pod, "python3", "-c", LOOP)) < 0.3
    larger = {"limits": {"cpu": "500m", "memory": "96Mi"}}
    larger["requests"] = larger["limits"]
    patch = {"spec": {"containers": [{"name": "main", "resources": larger}]}}
    kubectl(
        *(ready, "patch", "pod", "slow", "--subresource=resize"),
        *("--patch", json.dumps(patch)),
    )
    limits = ("cat", "/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/memory.max")
    until(
        lambda: (
            kubectl(ready, *in_pod, *limits).split()
            == ["50000", "100000", str(96 << 20)]
        ),
        LONG,
        "the new limits",
    )
    restarts = "jsonpath={.status.containerStatuses[0].restartCount}"
    assert kubectl(ready, "get", "pod", "slow", "-o", restarts) == "0"


def shift_clock(lab, seconds: int) -> None:
    """Set the clock of the node's own kernel, as its root can."""
    program = f"import time; time.clock_settime(0, time.time() + {seconds})"
    words = ("--image=toolbox:1", "--restart=Never", "--privileged", "--command", "--")
    kubectl(lab, "run", "shift", *words, "python3", "-c", program)
    done = "--for=jsonpath={.status.phase}=Succeeded"
    kubectl(lab, "wait", done, "pod/shift", f"--timeout={LONG}s")
    kubectl(lab, "delete", "pod", "shift")


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_node_whose_clock_is_an_hour_off_runs_pods(ready, hours):
    """Certificates and tokens are of the other clock, that of the control plane."""
    shift_clock(ready, hours * 3600)
    try:
        kubectl(ready, "run", "late", "--image=toolbox:1", "--", *SERVER)
        condition = "--for=condition=Ready"
        kubectl(ready, "wait", condition, "pod/late", f"--timeout={LONG}s")
        clock = int(kubectl(ready, "exec", "late", "--", "date", "+%s"))
        assert abs(clock - time.time() - hours * 3600) < 300
        answer = kubectl(ready, "exec", "late", "--", "sh", "-c", ASK)
        assert "system:serviceaccount:default:default" in answer
        kubectl(ready, "wait", condition, f"node/{NODE}", f"--timeout={LONG}s")
        kubectl(ready, "delete", "pod", "late", "--grace-period=1")
    finally:
        shift_clock(ready, -hours * 3600)


@pytest.mark.skipif(walls.version() < walls.WHOLE, reason="before Linux 6.7")
def test_a_privileged_pod_gets_nothing_of_the_learners(ready, tmp_path):
    """It mounts the host's files, and asks for more than the API server."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    secret = home / "secret"
    secret.write_text("the learner's")
    before = [describe(path) for path in (home, secret)]
    spec = json.loads(pod("hostile", "sleep", "infinity"))
    spec["spec"]["hostPID"] = True
    spec["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    kubectl(ready, "apply", "-f", "-", input=json.dumps(spec))
    kubectl(ready, "wait", "--for=condition=Ready", "pod/hostile", f"--timeout={LONG}s")
    with socket.create_server(("127.0.0.1", 0)) as other:
        arguments = (home, ready.state, port_of(ready.state), other.getsockname()[1])
        got = kubectl(
            *(ready, "exec", "-i", "hostile", "--", "python3", "-"),
            *map(str, arguments),
            input=HOSTILE.read_text(),
        )
    # The first ones say that it tried: nodes and their programs need as much.
    meant = ["the host's files", "programs", "its own directory", "the API server"]
    assert json.loads(got) == [*meant, "read the images"]
    assert [describe(path) for path in (home, secret)] == before
    assert secret.read_text() == "the learner's" and [*home.iterdir()] == [secret]


def describe(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_mode, found.st_uid, found.st_gid, found.st_mtime_ns


def test_the_files_of_the_host_are_not_in_the_node(ready):
    listed = kubectl(ready, "get", "--raw", f"/api/v1/nodes/{NODE}/proxy/logs/")
    assert "pods/" in listed and "dpkg.log" not in listed


def test_what_the_components_of_the_node_say_can_be_read(ready):
    assert "kubelet" in ready.logs and ready.log("kubelet", 5)
    assert "bess" in ready.log("node", 500).lower()


@pytest.mark.parametrize("program", ["linux.uml", "slirp4netns"])
def test_a_node_of_which_a_part_dies_is_started_again(ready, program):
    restarts = ready.status()["components"]["node"]["restarts"]
    before = {each.pid for each in kernels(ready)}
    main = min(
        (each for each in processes(ready) if each.info["name"] == program),
        key=psutil.Process.create_time,
    )
    os.kill(main.pid, signal.SIGKILL)
    until(
        lambda: ready.status()["components"]["node"]["restarts"] > restarts,
        30,
        "a new start",
    )
    until(lambda: ready.node() == "running", LONG, "the node again")
    assert before.isdisjoint(each.pid for each in kernels(ready))


def test_a_stop_ends_the_node_and_all_that_ran_on_its_kernel(ready):
    assert kernels(ready)
    assert ready.stop() is True
    assert processes(ready) == []
    assert not ready.running() and ready.node() == ""


def test_killed_while_its_kernel_boots_or_runs_it_leaves_nothing(lab):
    for delay in (0.1, 1.0, 3.0):
        lab.up(Silent())
        until(lambda: kernels(lab), 30, "the kernel")
        # The moment is the test's subject: this is no waiting for something.
        time.sleep(delay)
        os.kill(identity.pid_of(lab.state, "outer"), signal.SIGKILL)
        until(
            lambda: not processes(lab) and not lab.running(),
            patience(10),
            f"the end, after {delay} s",
        )


def test_without_one_lessons_of_pods_say_so(lab, monkeypatch):
    lab.stop()
    monkeypatch.setenv(kernel.VARIABLE, "none")
    lab.up(Silent())
    assert lab.node() == "" and kernels(lab) == []
    with pytest.raises(errors.NoNode, match="this cluster has none"):
        lab.require_node("This lesson")


def test_a_kernel_that_does_not_boot_leaves_the_control_plane_alone(lab, tmp_path):
    lab.stop()
    broken = tmp_path / "linux.uml"
    broken.write_text("#!/bin/sh\necho no ptrace here; exit 1\n")
    broken.chmod(0o755)
    found, _ = kernel.find()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel, "find", lambda: (replace(found, linux=str(broken)), ""))
        lab.up(Silent())
    assert lab.status()["phase"] == "ready"
    with pytest.raises(
        errors.NoNode, match="no ptrace here; .* its kernel .*logs node"
    ):
        lab.require_node("This lesson")
    assert "no ptrace here" in lab.log("node", 20)
    # The control plane goes on without.
    assert lab.status()["phase"] == "ready"
