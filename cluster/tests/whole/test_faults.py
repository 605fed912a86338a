"""Parts of the machine are killed or stand still; the rest goes on."""

import json
import os
import signal
import subprocess
import time
from contextlib import suppress

import psutil

from cluster.machine import components, layout
from cluster.tests.contract import Victims
from cluster.tests.waiting import until
from cluster.tests.whole.lab import ONCE, Lab, full

pytestmark = [*ONCE, full]


def test_after_an_orderly_restart_of_the_api_server_all_find_it_again(steady):
    """The API server takes its endpoint away, so kube-proxy refuses for the Service.

    Components that reached it that way could never learn of its coming back.
    """
    lab = steady
    restarts = lab.component("kube-apiserver")["restarts"]
    lab.kill("kube-apiserver", signal.SIGTERM)
    until(
        lambda: (
            lab.component("kube-apiserver")["restarts"] > restarts
            and lab.phase() == "ready"
        ),
        60,
        "the API server runs again",
    )
    ask = "python3 -c \"import socket; print(socket.socket().connect_ex(('{}', 443)))\""
    until(
        lambda: lab.sh("steady", ask.format("kubernetes.default.svc")) == "0\n",
        30,
        "pods reach it by its Service",
    )
    a_namespace_gets_its_account(lab)
    a_pod_starts(lab)


def a_write_is_kept(lab: Lab) -> None:
    lab.kubectl("create", "configmap", "new")
    lab.kubectl("delete", "configmap", "new")


def a_pod_starts(lab: Lab) -> None:
    lab.run_pod("new")
    lab.kubectl("delete", "pod", "new")


def an_image_is_pulled(lab: Lab) -> None:
    lab.run_pod("new", container={"imagePullPolicy": "Always"})
    lab.kubectl("delete", "pod", "new")


def a_namespace_gets_its_account(lab: Lab) -> None:
    lab.kubectl("create", "namespace", "new")
    lab.kubectl("wait", "--for=create", "serviceaccount/default", "--namespace=new")
    lab.kubectl("delete", "namespace", "new", "--wait=false")


def a_name_is_resolved(lab: Lab) -> None:
    script = "import socket; print(socket.gethostbyname('kubernetes.default.svc'))"
    assert lab.sh("steady", f'python3 -c "{script}"') == "10.96.0.1\n"


def a_service_is_answered_for(lab: Lab) -> None:
    """Let kube-proxy refuse for a Service without endpoints: nobody else would."""
    lab.kubectl("create", "service", "clusterip", "new", "--tcp=80:80")
    address = lab.kubectl("get", "service", "new", "-o=jsonpath={.spec.clusterIP}")
    script = (
        "import errno, socket\n"
        f"number = socket.socket().connect_ex(('{address}', 80))\n"
        "print(errno.errorcode[number])"
    )
    ask = f'python3 -c "{script}"'
    until(lambda: lab.sh("steady", ask) == "ECONNREFUSED\n", 30, "kube-proxy's rules")
    lab.kubectl("delete", "service", "new")


class TestVictims(Victims):
    """Components, and those who hold them together."""

    works = {
        "kubelet": a_pod_starts,
        "etcd": a_write_is_kept,
        "kube-apiserver": a_write_is_kept,
        "containerd": a_pod_starts,
        "kube-controller-manager": a_namespace_gets_its_account,
        "kube-scheduler": a_pod_starts,
        "coredns": a_name_is_resolved,
        "registry": an_image_is_pulled,
        "kube-proxy": a_service_is_answered_for,
    }
    components = tuple(works)
    leaders = ("PID 1", "builder", "outer")


BOMB = """
import os, time
made, refused = 0, 0
while made < 20000 and refused < 100:
    try:
        if os.fork() == 0:
            os.closerange(0, 3)
            time.sleep(600)
            os._exit(0)
        made += 1
    except OSError:
        refused += 1
print(made)
"""


def test_a_fork_bomb_in_a_pod_leaves_threads_for_the_rest(lab):
    """And for its own end. Nobody reaps what it leaves, as in most images."""
    lab.run_pod("bomb")
    made = int(lab.kubectl("exec", "bomb", "--", "python3", "-c", BOMB))
    least = 400 if lab.machine.status()["limits"] else 1000
    assert least < made < components.THREADS
    # The host's account forks, the API server answers, and the pod can be ended.
    assert subprocess.run(["true"]).returncode == 0
    assert lab.machine.answers()
    lab.kubectl("delete", "pod", "bomb")
    lab.run_pod("after")
    lab.kubectl("delete", "pod", "after")


#: Seconds without a sign of life until a node is no longer Ready, by the controller's
#: own default; its lease has run out after 40.
UNKNOWN_AFTER = 50


def ready_node(lab: Lab) -> bool:
    """Return whether the node is Ready, and nothing keeps pods away from it."""
    node = json.loads(lab.kubectl("get", "node", layout.NODE_NAME, "-o", "json"))
    [ready] = [c for c in node["status"]["conditions"] if c["type"] == "Ready"]
    return ready["status"] == "True" and "taints" not in node["spec"]


def restarts(lab: Lab) -> list[int]:
    return [each["restarts"] for each in lab.machine.status()["components"].values()]


def test_a_machine_that_sleeps_wakes_up_as_it_was(steady):
    """A laptop's lid: every process stands still, pods too, and leases run out."""
    lab = steady
    before, pid, restarted = lab.containers(), lab.machine.pid(), restarts(lab)
    processes = lab.processes()
    for process in processes:
        process.suspend()
    try:
        # Time itself is the fault.
        time.sleep(1.5 * UNKNOWN_AFTER)
    finally:
        for process in processes:
            # What a probe had begun is ended by its parent, which goes on first.
            with suppress(psutil.NoSuchProcess):
                process.resume()
    until(lambda: lab.phase() == "ready", 30, "the API server is ready")
    until(lambda: ready_node(lab), 60, "the node is Ready")
    lab.assert_intact()
    assert (lab.containers(), lab.machine.pid()) == (before, pid)
    a_pod_starts(lab)
    # No component was judged dead because time had passed.
    assert restarts(lab) == restarted


def test_a_frozen_pid_1_is_ended_by_stop(lab):
    with lab.ending():
        os.kill(lab.machine.pid(), signal.SIGSTOP)
        assert lab.machine.stop(grace=0.5) is True
