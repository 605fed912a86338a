"""A learner's processes in JupyterLab are closed to others, and end with JupyterLab."""

import json
import os
import re
import signal
import socket
import sys

import pytest
from jupyter_client.blocking import BlockingKernelClient

from cluster.machine import identity
from cluster.tests import unprivileged
from cluster.tests.slowness import scaled
from cluster.tests.waiting import until
from tests.browser.jupyterlab import START, JupyterLab
from tests.kernels import CONNECT, finish, kernel, run
from tests.notebooks import ROOT

WORK = f"""{CONNECT}
from helpers import KubectlProxy
cluster.create_namespace("test-jupyterlab")
KubectlProxy().start()
"""
WATCH = "%%sh\nkubectl get configmaps --watch"
#: subscribes to a port for 3 seconds, and says whether it can read a file
SPY = """
import sys, zmq
socket = zmq.Context().socket(zmq.SUB)
socket.subscribe("")
socket.connect(f"tcp://127.0.0.1:{sys.argv[1]}")
heard = b"".join(socket.recv_multipart()) if socket.poll(3000) else b""
try:
    print(heard, bool(open(sys.argv[2]).read()))
except PermissionError:
    print(heard, "closed")
"""


@pytest.fixture
def server(cluster, tmp_path):
    """Yield a JupyterLab of the test's own, as `make lab` starts it."""
    lab = JupyterLab(tmp_path / "lab")
    lab.notebooks.parent.mkdir()
    yield lab.start()
    lab.stop()


def client_of_a_new_kernel(server: JupyterLab) -> BlockingKernelClient:
    """Return a client that shares the kernel with JupyterLab, as a page does."""
    name = server.api("POST", "kernels").json()["id"]
    file = server.folder / "runtime" / f"kernel-{name}.json"
    # The file exists before it is written; and the kernel writes it once more, which
    # removes it for a moment.
    written = until(lambda: file.exists() and file.read_text(), START, "its ports")
    info = json.loads(written)
    until(lambda: listens(info["hb_port"]), START, "a kernel")
    client = BlockingKernelClient()
    client.load_connection_info(info)
    client.start_channels()
    client.wait_for_ready(timeout=scaled(START))
    return client


def listens(at: int | str) -> bool:
    """Return whether somebody listens at a port of 127.0.0.1, or at a unix socket."""
    unix = isinstance(at, str)
    with socket.socket(socket.AF_UNIX if unix else socket.AF_INET) as one:
        return one.connect_ex(at if unix else ("127.0.0.1", at)) == 0


# SIGHUP: its terminal was closed.
@pytest.mark.full("infrastructure that lessons do not touch")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_with_jupyterlab_ends_all_but_the_cluster(server, cluster, number):
    """Kernels, their proxies and, after SIGTERM, also what a cell was running.

    Killed itself, it leaves a cell's command, as any JupyterLab does.
    """
    state = cluster.kubeconfig.parent
    machine = identity.pid_of(state, "pid_1")
    client = client_of_a_new_kernel(server)
    [proxy] = re.findall(r"kubectl proxy at (/\S+) ", run(client, WORK))
    if number == signal.SIGTERM:
        client.execute(WATCH)
        until(lambda: "bash" in [each.name() for each in server.kernels()], 20)
    assert "kubectl" in [each.name() for each in server.kernels()]
    assert listens(proxy)
    client.stop_channels()
    server.stop(number)
    assert not listens(proxy)
    assert identity.pid_of(state, "pid_1") == machine and identity.is_running(state)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("encryption", ["as in `make lab`", "disabled"])
def test_another_user_of_the_machine_hears_nothing_of_a_kernel(
    cluster, tmp_path, encryption
):
    """A kernel's ports are open to all: without encryption the outputs are, too."""
    option = r"--KernelManager\.transport_encryption=(\w+)"
    ours, hub = (
        re.search(option, (ROOT / file).read_text())[1]
        for file in ("helpers/course/lab.py", "docs/teaching.md")
    )
    assert hub == ours
    given = "disabled" if encryption == "disabled" else ours
    with kernel(str(tmp_path), transport_encryption=given) as (manager, client):
        client.execute("import time\nwhile True: print('diary'); time.sleep(0.02)")
        spy = [sys.executable, "-W", "ignore", "-c", SPY]
        ports = [str(manager.iopub_port), manager.connection_file]
        heard = unprivileged.run([*spy, *ports], tmp_path / "home").stdout
        manager.interrupt_kernel()
        text, error = finish(client)
    assert "diary" in text and error.startswith("KeyboardInterrupt")
    assert heard.endswith(" closed\n")
    assert (heard == "b'' closed\n") == (given != "disabled"), heard
