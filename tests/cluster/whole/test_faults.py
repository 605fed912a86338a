"""What happens when something of the machine, or its starter, is killed."""

import datetime as dt
import json
import os
import signal
import subprocess
import time

import psutil
import pytest

from cluster import errors
from cluster.machine import components, host, layout, pki, probes
from cluster.progress import Silent
from tests.cluster.whole.lab import ONCE, Lab, full, members
from tests.cluster.whole.test_machine import with_broken_scheduler
from tests.patience import patience
from tests.waiting import until

pytestmark = ONCE

COMPONENTS = (
    "etcd",
    "kube-apiserver",
    "containerd",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "coredns",
    "registry",
    "kube-proxy",
)


@pytest.fixture
def steady(lab):
    """Return the cluster with a pod and an object that must outlive all of it."""
    if "steady" not in lab.kubectl("get", "pods", "-o", "name"):
        lab.run_pod("steady")
        lab.kubectl("create", "configmap", "steady", "--from-literal=key=value")
    lab.await_pod("steady")
    return lab


def assert_intact(lab: Lab) -> None:
    """Fail unless what was acknowledged is there and the pod runs and can be used."""
    found = lab.kubectl("get", "configmap", "steady", "-o=jsonpath={.data.key}")
    assert found == "value"
    lab.await_pod("steady")
    # A kubelet that was just started does not know its pods for a moment.
    until(lambda: lab.can_exec("steady"), 30, "exec works")


@pytest.mark.parametrize(
    "name",
    [
        name if name == "kubelet" else pytest.param(name, marks=full)
        for name in COMPONENTS
    ],
)
def test_a_killed_component_is_started_again(steady, name):
    lab = steady
    if name not in lab.machine.status()["components"]:
        pytest.skip(f"{name} does not run here: no `nft`")
    before = lab.component(name)
    pod = json.loads(lab.kubectl("get", "pod", "steady", "-o", "json"))
    lab.kill(name)
    after = until(
        lambda: (
            lab.component(name)["state"] == "running"
            and lab.component(name)["restarts"] == before["restarts"] + 1
            and lab.component(name)
        ),
        30,
        f"{name} runs again",
    )
    assert after["last_exit"] == "killed by SIGKILL"
    assert after["pid"] != before["pid"]
    until(lambda: lab.phase() == "ready", 30, "the API server is ready")
    assert_intact(lab)
    same = json.loads(lab.kubectl("get", "pod", "steady", "-o", "json"))
    # Containers outlive containerd and the kubelet.
    for field in ("containerID", "restartCount"):
        first, second = (p["status"]["containerStatuses"][0] for p in (pod, same))
        assert first[field] == second[field]
    WORKS[name](lab)


@full
def test_after_an_orderly_restart_of_the_api_server_all_find_it_again(steady):
    """It takes its endpoint away, and kube-proxy then refuses for the Service.

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


WORKS = {
    "etcd": a_write_is_kept,
    "kube-apiserver": a_write_is_kept,
    "containerd": a_pod_starts,
    "kube-controller-manager": a_namespace_gets_its_account,
    "kube-scheduler": a_pod_starts,
    "kubelet": a_pod_starts,
    "coredns": a_name_is_resolved,
    "registry": an_image_is_pulled,
    "kube-proxy": a_service_is_answered_for,
}


@pytest.mark.parametrize(
    "victim",
    ["PID 1", *(pytest.param(name, marks=full) for name in ("builder", "outer"))],
)
def test_with_the_machine_killed_nothing_is_left_and_objects_come_back(steady, victim):
    lab = steady
    namespace, port = lab.namespace(), lab.port
    pods = psutil.Process(lab.machine.pid()).children(recursive=True)
    who = {"PID 1": lab.machine.pid, "builder": lab.builder, "outer": lab.outer}
    os.kill(who[victim](), signal.SIGKILL)
    lab.assert_nothing_left(namespace)
    # In namespaces of their own, so `members` does not see them.
    assert len(pods) > len(COMPONENTS)
    assert psutil.wait_procs(pods, timeout=10)[1] == []
    assert lab.backend.status() is None
    lab.up()
    assert lab.port == port
    assert_intact(lab)


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


@full
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


@full
@pytest.mark.parametrize("name", ["kube-apiserver", "etcd"])
def test_a_frozen_component_is_told_within_the_deadline(lab, name, monkeypatch):
    """Both deadlines are shorter here; test_cli.py waits for the real ones."""
    monkeypatch.setattr(probes, "TIMEOUT", 1.0)
    monkeypatch.setattr(host, "ANSWER_WITHIN", 2.0)
    lab.kill(name, signal.SIGSTOP)
    try:
        began = time.monotonic()
        lab.machine.status()
        assert time.monotonic() - began < patience(2.0)
        # The API server itself needs some seconds to notice that etcd is silent.
        until(lambda: lab.phase() == "not answering", 30)
        began = time.monotonic()
        with pytest.raises(errors.LabError, match="gave no answer in") as caught:
            lab.up()
        assert time.monotonic() - began < patience(5.0)
        assert "kube-apiserver" in caught.value.way_out
        assert lab.machine.running()
    finally:
        lab.kill(name, signal.SIGCONT)
    until(lambda: lab.phase() == "ready", 30)


#: Seconds without a sign of life until a node is no longer Ready, by the controller's
#: own default; its lease has run out after 40.
UNKNOWN_AFTER = 50


def ready_node(lab: Lab) -> bool:
    """Say whether the node is Ready, and nothing keeps pods away from it."""
    node = json.loads(lab.kubectl("get", "node", layout.NODE_NAME, "-o", "json"))
    [ready] = [c for c in node["status"]["conditions"] if c["type"] == "Ready"]
    return ready["status"] == "True" and "taints" not in node["spec"]


def containers(lab: Lab) -> list[tuple[str, int]]:
    found = json.loads(lab.kubectl("get", "pod", "steady", "-o", "json"))
    fields = ("containerID", "restartCount")
    return [tuple(c[f] for f in fields) for c in found["status"]["containerStatuses"]]


def restarts(lab: Lab) -> list[int]:
    return [each["restarts"] for each in lab.machine.status()["components"].values()]


@full
def test_a_machine_that_sleeps_wakes_up_as_it_was(steady):
    """A laptop's lid: every process stands still, pods too, and leases run out."""
    lab = steady
    before, pid, restarted = containers(lab), lab.machine.pid(), restarts(lab)
    outer = psutil.Process(lab.outer())
    processes = [outer, *outer.children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        # Time itself is the fault.
        time.sleep(1.5 * UNKNOWN_AFTER)
    finally:
        for process in processes:
            process.resume()
    until(lambda: lab.phase() == "ready", 30, "the API server is ready")
    until(lambda: ready_node(lab), 60, "the node is Ready")
    assert_intact(lab)
    assert (containers(lab), lab.machine.pid()) == (before, pid)
    a_namespace_gets_its_account(lab)
    a_pod_starts(lab)
    # No component was judged dead because time had passed.
    assert restarts(lab) == restarted


@full
def test_a_node_that_was_silent_is_ready_again(steady):
    """Its kubelet stands still: the node is NotReady, its pod stays, and back."""
    lab = steady
    before = containers(lab)
    lab.kill("kubelet", signal.SIGSTOP)
    try:
        until(lambda: not ready_node(lab), 2 * UNKNOWN_AFTER, "the node is NotReady")
    finally:
        lab.kill("kubelet", signal.SIGCONT)
    until(lambda: ready_node(lab), 30, "the node is Ready")
    assert_intact(lab)
    assert containers(lab) == before


@full
@pytest.mark.parametrize("hours", [1, 48])
def test_a_cluster_made_while_the_clock_was_wrong_starts(steady, hours):
    """Its certificates were made by that clock, which has been set right since."""
    lab = steady
    wrong = dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pki, "_now", lambda: wrong)
        for name in ("ca.crt", "ca.key"):
            (lab.state / "pki" / name).unlink()
        pki.ensure(lab.state / "pki")
    lab.backend.stop()
    lab.up()
    assert_intact(lab)


@full
def test_a_frozen_pid_1_is_ended_by_stop(lab):
    namespace = lab.namespace()
    os.kill(lab.machine.pid(), signal.SIGSTOP)
    assert lab.machine.stop(patience=0.5) is True
    lab.assert_nothing_left(namespace)


@full
def test_ctrl_c_undoes_a_start(stopped):
    starter = stopped.starter()
    until(stopped.machine.pid, 30, "the machine was made")
    namespace = stopped.namespace()
    starter.send_signal(signal.SIGINT)
    said, _ = starter.communicate(timeout=30)
    assert starter.returncode != 0
    assert "Traceback" not in said
    stopped.assert_nothing_left(namespace)


@full
def test_a_start_whose_starter_is_killed_is_completed(stopped):
    """Also in surroundings that lead others astray: proxies, modules, no locale."""
    junk = stopped.state.parent / "junk"
    junk.mkdir(exist_ok=True)
    for name in ("json", "socket", "cluster", "helpers"):
        (junk / f"{name}.py").write_text("raise SystemExit('junk')")
    starter = stopped.starter(
        http_proxy="http://127.0.0.1:1",
        https_proxy="http://127.0.0.1:1",
        LANG="C",
        LC_ALL="C",
    )
    until(stopped.machine.pid, 30, "the machine was made")
    os.killpg(starter.pid, signal.SIGKILL)
    starter.communicate()
    pid = stopped.machine.pid()
    until(lambda: stopped.phase() == "ready", 60, "the start was completed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(junk))
        stopped.up()
    assert stopped.machine.pid() == pid
    assert "lab-control-plane" in stopped.kubectl("get", "nodes")


@full
def test_a_failed_start_whose_starter_was_killed_ends_by_itself(stopped, tmp_path):
    binaries = with_broken_scheduler(stopped.binaries, tmp_path)
    child = os.fork()
    if child == 0:
        try:
            stopped.machine.start(binaries, stopped.archive, 0, Silent())
        finally:
            os._exit(0)
    until(stopped.machine.pid, 30, "the machine was made")
    namespace = stopped.namespace()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    until(lambda: not members(namespace), 30, "the machine gave up")
    stopped.assert_nothing_left(namespace)
    assert stopped.backend.status() is None
    stopped.up()


@full
def test_stop_ends_a_start_that_is_under_way(stopped):
    starter = stopped.starter()
    until(stopped.machine.running, 30, "the lock is held")
    assert stopped.backend.stop() is True
    said, _ = starter.communicate(timeout=30)
    assert starter.returncode == 1
    assert "Traceback" not in said
    assert not stopped.machine.running()
