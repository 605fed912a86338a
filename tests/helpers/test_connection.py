"""`connect()` keeps its promises, with real kernels and a real cluster."""

import json
import os
import re
from types import SimpleNamespace

import psutil
import pytest

from cluster.machine import identity
from cluster.tests.slowness import scaled
from helpers import connect, connection, errors
from tests.kernels import CONNECT, finish, kernel, run


@pytest.mark.full("infrastructure that lessons do not touch")
def test_a_restarted_kernel_finds_the_same_cluster(cluster):
    with kernel(os.environ["LAB_STATE_DIR"]) as (manager, client):
        pid = f"{CONNECT}\nfrom cluster.local.backend import Local\n"
        pid += "Local()._machine.pid()"
        before = run(client, pid)
        manager.restart_kernel(now=True)
        client.wait_for_ready(timeout=scaled(60))
        assert run(client, pid) == before
        assert before.strip().isdigit()


def test_a_second_call_attaches_and_repr_says_where(cluster):
    assert re.fullmatch(
        r"Kubernetes v1\.\d+\.\d+ at https://127\.0\.0\.1:\d+ "
        r"\(local cluster, context lab\)",
        repr(cluster),
    )
    pid = identity.pid_of(cluster.kubeconfig.parent, "pid_1")
    assert connect() == cluster
    assert identity.pid_of(cluster.kubeconfig.parent, "pid_1") == pid


def test_an_interrupted_wait_leaves_nothing_and_the_next_cell_runs(cluster):
    """The ■ button, while a cell waits for what never comes."""
    with kernel(os.environ["LAB_STATE_DIR"]) as (manager, client):
        run(client, f"{CONNECT}\nfrom helpers import kubectl, wait_for")
        never = 'wait_for("condition=Never", "node/lab-control-plane", timeout=500)'
        client.execute(never)
        finish(client, 120, shown="waiting for condition=Never")
        manager.interrupt_kernel()
        _, error = finish(client, scaled(10))
        assert error.startswith("KeyboardInterrupt:")
        left = psutil.Process(manager.provisioner.pid).children()
        # SIGINT between fork and exec leaves subprocess a dead child, which Python
        # reaps when it starts the next one.
        assert [child for child in left if child.status() != psutil.STATUS_ZOMBIE] == []
        assert "lab-control-plane" in run(client, "kubectl('get nodes').stdout")


NEW, OLD = "2026-01-01T00:00:09Z", "2026-01-01T00:00:01Z"
RUNNING, ENDED = {"running": {"startedAt": NEW}}, {"terminated": {"reason": "Unknown"}}


def pod(state, policy="Always", **metadata):
    """Return a pod with a container in a state."""
    status = {"containerStatuses": [{"state": RUNNING}, {"state": state}]}
    return {"spec": {"restartPolicy": policy}, "metadata": metadata, "status": status}


@pytest.mark.parametrize(
    ("shown", "is_old"),
    [
        (pod({"running": {"startedAt": OLD}}), True),
        (pod(ENDED), True),
        (pod({"terminated": {"reason": "ContainerStatusUnknown"}}), True),
        (pod(RUNNING), False),
        (pod({"terminated": {"reason": "Error"}}), False),
        (pod({"waiting": {"reason": "ImagePullBackOff"}}), False),
        # It stays as it is, for ever or until it is gone.
        (pod(ENDED, "Never"), False),
        (pod(ENDED, deletionTimestamp=NEW), False),
        ({"spec": {"restartPolicy": "Always"}, "metadata": {}, "status": {}}, False),
    ],
)
def test_a_pod_from_before_a_start_is_known_by_its_containers(shown, is_old):
    assert connection._is_from_before(shown, "2026-01-01T00:00:05Z") == is_old


def test_after_a_start_pods_are_waited_for(scripted, monkeypatch):
    """Until the node has looked at them, and not where there is no node."""
    looks = [json.dumps({"items": [one]}) for one in (pod(ENDED), pod(RUNNING))]
    lines = [f"echo '{look}'" for look in looks]
    script = f"[ -e $0.seen ] && {lines[1]} || {{ touch $0.seen; {lines[0]}; }}"
    program = scripted(script)
    backend = SimpleNamespace(require_node=lambda what, wait: None)
    monkeypatch.setattr("helpers.command._backend", backend)
    monkeypatch.setattr("helpers.connection.time_limit", lambda seconds: seconds)
    monkeypatch.setattr("helpers.command.time_limit", lambda seconds, _=None: seconds)
    connection._wait_for_pods(0)
    seen = program.with_name("kubectl.seen")
    assert seen.exists()
    seen.unlink()

    def refuse(what, wait):
        raise errors.LabError("There is no node.")

    backend.require_node = refuse
    connection._wait_for_pods(0)
    assert not seen.exists()
