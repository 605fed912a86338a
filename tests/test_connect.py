"""What a notebook promises of `connect()`, with real kernels and a real cluster."""

import os
import queue
import re
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from jupyter_client.manager import KernelManager

from cluster.local import identity
from cluster.local.backend import Local
from helpers import connect
from tests.patience import patience

CONNECT = "from helpers import connect\ncluster = connect()\ncluster.server"


@contextmanager
def kernel(state: str):
    """Run a kernel whose cluster is the one in the directory `state`."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env={**os.environ, "LAB_STATE_DIR": state})
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def finish(client, timeout: float = 240) -> tuple[str, str]:
    """Return the text of the running cell's outputs, and its error."""
    text, error = "", ""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        message = client.get_iopub_msg(timeout=deadline - time.monotonic())
        content = message["content"]
        if message["msg_type"] == "status" and content["execution_state"] == "idle":
            if message["parent_header"].get("msg_type") == "execute_request":
                return text, error
        elif message["msg_type"] == "error":
            error = f"{content['ename']}: {content['evalue']}"
        elif "text" in content:
            text += content["text"]
        elif "data" in content:
            text += content["data"].get("text/plain", "")
    raise AssertionError(f"the cell did not end in {timeout} s: {text}")


def run(client, code: str) -> str:
    """Run a cell that must not fail; return its text."""
    client.execute(code)
    text, error = finish(client)
    assert not error, f"{text}\n{error}"
    return text


@pytest.fixture
def state(tmp_path):
    """Yield a state directory of its own, and end the cluster in it."""
    yield str(tmp_path / "state")
    Local(tmp_path / "state").delete()


@pytest.mark.full("infrastructure that lessons do not touch")
def test_a_restarted_kernel_finds_the_same_cluster(cluster):
    with kernel(os.environ["LAB_STATE_DIR"]) as (manager, client):
        pid = f"{CONNECT}\nfrom cluster.local.backend import Local\n"
        pid += "from cluster.local.machine import Machine\n"
        pid += "Machine(Local().state).pid()"
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


def test_two_notebooks_at_once_get_one_cluster(state, cluster):
    with kernel(state) as (_, one), kernel(state) as (_, two):
        one.execute(CONNECT)
        two.execute(CONNECT)
        texts = [finish(one), finish(two)]
    servers = [re.findall(r"https://127\.0\.0\.1:\d+", text)[-1] for text, _ in texts]
    assert servers[0] == servers[1]
    assert [error for _, error in texts] == ["", ""]


@pytest.mark.full("infrastructure that lessons do not touch")
def test_an_interrupted_cell_leaves_no_half_cluster(state, cluster):
    with kernel(state) as (manager, client):
        client.execute(CONNECT)
        _await(client, "waiting for")
        manager.interrupt_kernel()
        _, error = finish(client)
        assert error.startswith("KeyboardInterrupt:")
        assert not Local(Path(state)).running()
        assert "https://127.0.0.1:" in run(client, CONNECT)


def test_an_interrupted_wait_leaves_nothing_and_the_next_cell_runs(cluster):
    """The ■ button, while a cell waits for what never comes."""
    with kernel(os.environ["LAB_STATE_DIR"]) as (manager, client):
        run(client, f"{CONNECT}\nfrom helpers import kubectl, wait_for")
        never = 'wait_for("condition=Never", "node/lab-control-plane", timeout=500)'
        client.execute(never)
        _await(client, "waiting for condition=Never")
        manager.interrupt_kernel()
        _, error = finish(client, patience(10))
        assert error.startswith("KeyboardInterrupt:")
        assert psutil.Process(manager.provisioner.pid).children() == []
        assert "lab-control-plane" in run(client, "kubectl('get nodes').stdout")


def _await(client, words: str, timeout: float = 120) -> None:
    """Wait until the running cell has shown `words`."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            content = client.get_iopub_msg(timeout=1)["content"]
        except queue.Empty:
            continue
        if words in content.get("data", {}).get("text/plain", ""):
            return
    raise AssertionError(f"the cell never showed {words!r}")
