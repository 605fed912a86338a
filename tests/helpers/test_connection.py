"""`connect()` keeps its promises, with real kernels and a real cluster."""

import os
import re

import psutil
import pytest

from cluster.machine import identity
from cluster.tests.slowness import scaled
from helpers import connect
from tests.kernels import CONNECT, finish, kernel, run


@pytest.mark.full("infrastructure that lessons do not touch")
def test_a_restarted_kernel_finds_the_same_cluster(cluster):
    with kernel(os.environ["LAB_STATE_DIR"]) as (manager, client):
        pid = f"{CONNECT}\nfrom cluster.local.backend import Local\n"
        pid += "Local()._machine.pid()"
        before = run(client, pid)
        manager.restart_kernel(now=True)
        client.wait_for_ready(timeout=60)
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
