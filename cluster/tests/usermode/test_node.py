"""A node in user-mode Linux starts after the control plane, runs pods and ends with it.

A real one: for machines that have the kernel, and the programs and images in the cache.
"""

import contextlib
import json
import time
from dataclasses import replace

import psutil
import pytest

from cluster import errors
from cluster.controlplane.backend import ControlPlane
from cluster.tests.contract import Victims
from cluster.tests.lab import Lab
from cluster.tests.waiting import until
from cluster.usermode import kernel

pytestmark = [
    pytest.mark.full("user-mode Linux"),
    pytest.mark.skipif(
        kernel.find()[0] is None, reason=kernel.find()[1] or "it can be had"
    ),
]
NODE = "lab-control-plane"
#: serves the pod's files, and says in its log what was asked for
SERVER = ("python3", "-u", "-m", "http.server", "--directory", "/")
#: a pod's request to the API server, with its own token
SECRETS = "/var/run/secrets/kubernetes.io/serviceaccount"
ASK = f"""curl -sS --cacert {SECRETS}/ca.crt -H "Authorization: Bearer $(cat \
    {SECRETS}/token)" https://kubernetes.default.svc/api/v1/namespaces"""
#: how much of a processor a loop of two seconds gets
LOOP = """import time
began, used = time.monotonic(), time.process_time()
while time.monotonic() < began + 2: pass
print((time.process_time() - used) / 2)"""
#: a node's programs on the host
PROGRAMS = ("linux.uml", "slirp4netns")


class WithNode(Lab):
    """The control plane, with a node as one more component."""

    #: on a machine that does other things, too
    seconds = 90

    def up(self) -> None:
        super().up()
        until(lambda: self.backend.node() == "running", self.seconds, "the node")

    def component(self, name: str) -> dict:
        return super().component("node" if name in PROGRAMS else name)

    def named(self, name: str) -> list[psutil.Process]:
        """Return the processes of a program, the first one first."""
        found = []
        for each in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):  # just ended
                found += [each] if each.name() == name else []
        return sorted(found, key=psutil.Process.create_time)

    def process(self, component: str) -> psutil.Process:
        of_node = component in PROGRAMS
        return self.named(component)[0] if of_node else super().process(component)

    def begun(self) -> int | None:
        """Return whether its kernel boots."""
        return len(self.named("linux.uml")) or None


@pytest.fixture(scope="module")
def one_lab(tmp_path_factory):
    """Return one in a directory that no kernel's command line could name."""
    name = 'état d\'un "labo" & co, $HOME'
    lab = WithNode(ControlPlane(tmp_path_factory.mktemp("usermode") / name / "state"))
    yield lab
    lab.close()


def test_the_node_is_a_component_of_the_control_plane(lab):
    status = lab.backend.status()
    assert status["phase"] == "ready" and status["absent"] == []
    assert status["awaited"] == [] and "node" in status["components"]
    lab.backend.require_node("A pod", wait=False)
    assert "kubelet" in lab.backend.logs and lab.backend.log("kubelet", 5)
    assert "bess" in lab.backend.log("node", 500).lower()


def test_a_pod_is_reached_from_outside_and_reaches_the_api_server_by_name(lab):
    lab.kubectl("run", "one", "--image=toolbox:1", "--", *SERVER)
    lab.await_pod("one")
    # exec and logs go to the kubelet, a proxied request to the pod itself.
    assert "User Mode Linux" in lab.sh("one", "cat /proc/cpuinfo")
    path = "/api/v1/namespaces/default/pods/one:8000/proxy/etc/hostname"

    def answers():
        try:
            return lab.kubectl("get", "--raw", path).strip() == "one"
        except AssertionError:
            return False  # the server in the pod is not listening yet

    until(answers, 30, "the pod's own answer")
    until(lambda: "GET /etc/hostname" in lab.kubectl("logs", "one"))
    assert "system:serviceaccount:default:default" in lab.sh("one", ASK)


def test_a_limited_container_gets_its_share_and_no_more_and_can_be_resized(lab):
    small = {"limits": {"cpu": "200m", "memory": "64Mi"}}
    # A pod that requests storage waits for a node that says how much it has.
    small["requests"] = {"ephemeral-storage": "1Mi"}
    lab.run_pod("slow", container={"resources": small})
    in_pod = ("exec", "slow", "--")
    assert 0.1 < float(lab.kubectl(*in_pod, "python3", "-c", LOOP)) < 0.3
    larger = {"limits": {"cpu": "500m", "memory": "96Mi"}}
    larger["requests"] = larger["limits"]
    patch = {"spec": {"containers": [{"name": "main", "resources": larger}]}}
    resize = ("patch", "pod", "slow", "--subresource=resize")
    lab.kubectl(*resize, "--patch", json.dumps(patch))
    limits = ("cat", "/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/memory.max")
    wanted = ["50000", "100000", str(96 << 20)]
    until(
        lambda: lab.kubectl(*in_pod, *limits).split() == wanted,
        lab.seconds,
        "the new limits",
    )
    restarts = "jsonpath={.status.containerStatuses[0].restartCount}"
    assert lab.kubectl("get", "pod", "slow", "-o", restarts) == "0"


def shift_clock(lab, seconds: int) -> None:
    """Set the clock of the node's own kernel, as its root can."""
    program = f"import time; time.clock_settime(0, time.time() + {seconds})"
    words = ("--image=toolbox:1", "--restart=Never", "--privileged", "--command", "--")
    lab.kubectl("run", "shift", *words, "python3", "-c", program)
    lab.await_pod("shift", "jsonpath={.status.phase}=Succeeded")
    lab.kubectl("delete", "pod", "shift")


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_node_whose_clock_is_an_hour_off_runs_pods(lab, hours):
    """Certificates and tokens are of the other clock, that of the control plane."""
    shift_clock(lab, hours * 3600)
    try:
        lab.run_pod("late")
        clock = int(lab.sh("late", "date +%s"))
        assert abs(clock - time.time() - hours * 3600) < 300
        assert "system:serviceaccount:default:default" in lab.sh("late", ASK)
        timeout = f"--timeout={lab.seconds}s"
        lab.kubectl("wait", "--for=condition=Ready", f"node/{NODE}", timeout)
        lab.kubectl("delete", "pod", "late")
    finally:
        shift_clock(lab, -hours * 3600)


def test_a_stop_ends_the_node_and_all_that_ran_on_its_kernel(lab):
    assert lab.named("linux.uml")
    with lab.ending():
        assert lab.backend.stop() is True
    assert lab.backend.node() == ""


class TestVictims(Victims):
    """A part of the node, or all of it while its kernel boots or runs."""

    components = PROGRAMS
    moments = (0.1, 1.0, 3.0)


def test_a_kernel_that_does_not_boot_leaves_the_control_plane_alone(stopped, tmp_path):
    broken = tmp_path / "linux.uml"
    broken.write_text("#!/bin/sh\necho no ptrace here; exit 1\n")
    broken.chmod(0o755)
    found, _ = kernel.find()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel, "find", lambda: (replace(found, linux=str(broken)), ""))
        stopped.backend.up()
    assert stopped.phase() == "ready"
    said = "no ptrace here; .* its kernel .*logs node"
    with pytest.raises(errors.NoNode, match=said):
        stopped.backend.require_node("This lesson")
    assert "no ptrace here" in stopped.backend.log("node", 20)
    # The control plane goes on without.
    assert stopped.phase() == "ready"
