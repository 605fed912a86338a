"""A wire log is read by several threads, and leaves nothing however it ends."""

import http.client
import json
import os
import shutil
import sys
import threading

import pytest
import yaml
from jupyter_client.manager import KernelManager

from helpers.widgets.wirelog import WireLogView
from helpers.wirelog import WireLog
from tests.local.waiting import until

pytestmark = pytest.mark.full("infrastructure that lessons do not touch")
TIMEOUT = 60.0
LINES, READERS = 3000, 4
KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "c",
    "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "u", "user": {}}],
}


@pytest.fixture
def kubeconfig(tmp_path, monkeypatch):
    """Return the kubeconfig that is in use; the log has its place beside it."""
    place = tmp_path / "cluster" / "kubeconfig"
    place.parent.mkdir()
    place.write_text(yaml.safe_dump(KUBECONFIG))
    monkeypatch.setattr("helpers.command._kubeconfig", place)
    return place


@pytest.fixture
def as_before():
    """Fail if PATH or http.client are not what they were."""
    before = os.environ["PATH"], http.client.HTTPConnection.putrequest
    yield
    assert (os.environ["PATH"], http.client.HTTPConnection.putrequest) == before


@pytest.fixture
def hasty():
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def line(number: int) -> str:
    url = f"https://127.0.0.1:1/version?limit={number}"
    known = {"source": "kubectl", "method": "GET", "url": url, "at": float(number)}
    return json.dumps(known) + "\n"


def test_every_line_once_whoever_reads(kubeconfig, as_before, hasty):
    """The paint thread, a cell, an export and the end of the log read at once."""
    log = WireLog().start()
    (log._directory / "requests").write_text("".join(map(line, range(LINES))))
    ready = threading.Barrier(READERS + 1)

    def read() -> None:
        ready.wait(TIMEOUT)
        log.update()

    threads = [threading.Thread(target=read) for _ in range(READERS)]
    [thread.start() for thread in threads]
    ready.wait(TIMEOUT)
    log.stop()
    [thread.join(TIMEOUT) for thread in threads]
    assert log.log.total == LINES
    assert sorted(entry.at for entry in log.log.newest()) == list(range(LINES))


def test_an_end_while_others_look(kubeconfig, as_before, hasty):
    """Nobody puts a directory on PATH that is gone, and nobody fails."""
    failed = []
    for _ in range(30):
        log = WireLog().start()
        begun = threading.Event()

        def look(log=log, begun=begun) -> None:
            try:
                while log.running:
                    log.update()
                    begun.set()
            except Exception as error:
                failed.append(error)

        threads = [threading.Thread(target=look) for _ in range(2)]
        [thread.start() for thread in threads]
        assert begun.wait(TIMEOUT)
        log.stop()
        [thread.join(TIMEOUT) for thread in threads]
        assert "None" not in os.environ["PATH"].split(os.pathsep)
    assert failed == []


def test_the_cluster_is_deleted_while_a_log_is_open(kubeconfig, as_before):
    """As by `python -m helpers delete`: it ends in order, and a view says no error."""
    view = WireLogView()
    shutil.rmtree(kubeconfig.parent)
    assert view.frame().empty
    view.stop()
    view.model.stop()
    assert not view.model.running and "failed" not in view.said
    assert not any(thread.name == "_paint" for thread in threading.enumerate())


def test_a_line_that_cannot_be_read_keeps_nothing_open(kubeconfig, as_before):
    """What goes wrong with the last lines is told, once all is undone."""
    log = WireLog().start()
    (log._directory / "requests").write_text("no JSON\n")
    with pytest.raises(json.JSONDecodeError):
        log.stop()
    assert not log.running and list(kubeconfig.parent.iterdir()) == [kubeconfig]


def test_a_restart_of_the_kernel_removes_it(kubeconfig):
    """And so does its end; only one that is killed leaves it to the next log."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    opens = f"""
from pathlib import Path
from helpers.command import use_kubeconfig
from helpers.wirelog import WireLog
use_kubeconfig(Path({str(kubeconfig)!r}))
log = WireLog().start()
"""
    try:
        for end in (manager.restart_kernel, manager.shutdown_kernel):
            client = manager.blocking_client()
            client.start_channels()
            client.wait_for_ready(timeout=TIMEOUT)
            reply = client.execute_interactive(opens, timeout=TIMEOUT)
            assert reply["content"]["status"] == "ok"
            client.stop_channels()
            [directory] = kubeconfig.parent.glob("wirelog.*")
            end()
            until(lambda gone=directory: not gone.exists(), TIMEOUT, "it is removed")
    finally:
        if manager.has_kernel:
            manager.shutdown_kernel(now=True)
