"""An API server of a notebook restarts for that notebook alone, and leaves nothing."""

import os
import signal
import socket

import psutil
import pytest
import requests

from cluster import errors, statedir
from cluster.controlplane import apiserver
from cluster.controlplane.apiserver import ApiServer
from cluster.programs.recipe import API_SERVER
from cluster.tests.likekernel import like_a_kernel
from cluster.tests.waiting import until

full = pytest.mark.full("infrastructure that lessons do not touch")


@pytest.fixture
def place(tmp_path, monkeypatch, cluster):
    """Return a long state directory of its own; `cluster` made the programs."""
    state = tmp_path / ("long" * 25)
    monkeypatch.setenv("LAB_STATE_DIR", str(state))
    return state / "apiservers"


@pytest.fixture(scope="module")
def own(cluster):
    """Yield one that runs."""
    with ApiServer() as running:
        yield running


@pytest.fixture
def core(own):
    from kubernetes import client

    return client.CoreV1Api(own.api_client(retries=False))


def servers(own):
    """Return the processes of etcd and kube-apiserver."""
    return psutil.Process(own.pid).parent().children()


def create(core, name):
    return core.create_namespaced_config_map("default", {"metadata": {"name": name}})


def test_a_restart_keeps_objects_and_address(own, core):
    """The new process answers at the same URL, with the objects of the first."""
    create(core, "kept")
    url, pid = own.url, own.pid
    assert own.restart() is own
    assert own.url == url and own.pid != pid
    assert not psutil.pid_exists(pid)
    assert core.read_namespaced_config_map("kept", "default").metadata.name == "kept"
    assert repr(own) == f"kube-apiserver of this notebook at {url} (pid {own.pid})"


def test_strangers_are_not_let_in(own):
    """Not even to the health paths: whoever is let in may do everything."""
    ca = str(own.directory / "pki" / "ca.crt")
    assert requests.get(f"{own.url}/version", verify=ca).status_code == 401


def test_only_its_user_can_read_what_it_stores(own):
    """The directory and its files are closed to others; it listens on the one port."""
    files = [path for path in own.directory.rglob("*") if path.is_file()]
    found = [own.directory, own.directory.parent, *files]
    assert [path for path in found if path.stat().st_mode & 0o077] == []
    listening = {
        connection.laddr
        for process in servers(own)
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    # etcd's other port is for its health and holds no data.
    assert {address.ip for address in listening} == {"127.0.0.1"}
    assert len(listening) == 2
    assert int(own.url.rpartition(":")[2]) in {address.port for address in listening}


@full
def test_nobody_gets_its_port_while_it_is_away(own, core):
    """And it is started again, with its objects: nobody has to ask for that."""
    create(core, "crashed")
    port, killed = int(own.url.rpartition(":")[2]), own.pid
    os.kill(killed, signal.SIGKILL)
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))
    until(lambda: own.pid not in (killed, None))
    own.restart()
    assert core.read_namespaced_config_map("crashed", "default")


@full
def test_a_block_is_its_lifetime_and_what_is_in_it_is_in_no_other(own, core, place):
    """Two processes and a directory come, and go; also after a failure in it."""
    from kubernetes import client

    create(core, "here")
    with pytest.raises(ZeroDivisionError), ApiServer() as other:
        assert other.url != own.url
        found = client.CoreV1Api(other.api_client()).list_namespaced_config_map
        assert "here" not in {one.metadata.name for one in found("default").items}
        processes = servers(other)
        assert len(processes) == 2 and len(list(place.iterdir())) == 1
        _ = 1 / 0
    assert not any(process.is_running() for process in processes)
    assert list(place.iterdir()) == []


@full
def test_one_that_nobody_holds_is_stopped(place):
    """A cell that is run again leaves no second one behind."""
    held = ApiServer().start()
    process = psutil.Process(held.pid)
    del held
    assert not process.is_running()
    assert list(place.iterdir()) == []


def test_stop_before_start_does_nothing():
    """A cell that cleans up may run alone."""
    never = ApiServer()
    never.stop()
    assert repr(never) == "kube-apiserver of this notebook, not running"
    assert never.pid is None
    for ask in (lambda: never.url, never.api_client):
        with pytest.raises(errors.LabError, match="does not run"):
            ask()


@pytest.fixture
def programs(tmp_path, monkeypatch, place):
    """Return a function that makes shell scripts the only programs there are."""

    def install(**scripts):
        for name in ("etcd", "kube-apiserver"):
            program = tmp_path / name
            text = scripts.get(name.replace("-", "_"), "exec sleep 600")
            program.write_text(f"#!/bin/sh\n{text}\n")
            program.chmod(0o700)
        monkeypatch.setattr(apiserver.programs, "find", lambda recipe, or_any: tmp_path)

    return install


@pytest.mark.parametrize("name", ["etcd", "kube-apiserver"])
def test_one_that_ends_at_once_is_quoted(programs, place, name):
    """The error has the program, its exit code and words; the other one is ended."""
    programs(**{name.replace("-", "_"): "echo 'no such flag' >&2; exit 3"})
    failing = ApiServer()
    with pytest.raises(errors.LabError) as caught:
        failing.start()
    first, *words, _ = str(caught.value).splitlines()
    assert first == f"The {name} of this notebook ended: exit code 3."
    # The program was started three times, as any component.
    assert set(words) == {"no such flag"}
    assert not failing.running and list(place.iterdir()) == []


def test_one_that_is_never_ready_is_ended(programs, place):
    """The wait has an end, and what was started does not outlive it."""
    programs()
    silent = ApiServer()
    with pytest.raises(errors.NotReady) as caught:
        silent.start(timeout=0.3)
    assert 0.3 <= caught.value.waited < 30
    assert not silent.running and list(place.iterdir()) == []


def test_without_the_programs_it_gets_these_two(monkeypatch, place):
    """As beside a learner's own cluster; where they cannot run, it says so."""
    asked = []

    def ensure(view, recipe, *, or_any):
        asked.append(recipe)
        raise ZeroDivisionError

    monkeypatch.setattr(apiserver.programs, "ensure", ensure)
    with pytest.raises(ZeroDivisionError):
        ApiServer().start()
    assert asked == [API_SERVER]
    programs = {name for step in API_SERVER.steps for name in step.programs}
    assert programs == {"etcd", "kube-apiserver"}
    monkeypatch.setattr(apiserver.programs.sys, "platform", "darwin")
    with pytest.raises(errors.MissingTool) as caught:
        ApiServer().start()
    assert caught.value.tool == "kube-apiserver" and "Linux" in caught.value.hint


def test_without_memory_it_does_not_begin(monkeypatch, place):
    """Better a sentence than a kernel that is killed without one."""
    monkeypatch.setattr(apiserver, "memory_available", lambda: 1_000_000)
    with pytest.raises(errors.NotEnough) as caught:
        ApiServer().start()
    assert caught.value.what == "memory"


PARENT = """
import signal
import psutil
from cluster.controlplane.apiserver import ApiServer
own = ApiServer().start()
try:
    print(*(p.pid for p in psutil.Process(own.pid).parent().children()), flush=True)
    signal.pause()
except KeyboardInterrupt:
    print(own.running, flush=True)
signal.pause()
"""


@full
def test_an_interrupt_leaves_them_alone_and_they_die_with_their_kernel(place):
    """The button is for all of a kernel's group; files are removed by the next one."""
    with like_a_kernel(PARENT) as (process, pids):
        children = [psutil.Process(pid) for pid in pids]
        assert len(children) == 2
        os.killpg(process.pid, signal.SIGINT)
        assert process.stdout.readline() == "True\n"
        assert all(child.is_running() for child in children)
        process.kill()
        assert psutil.wait_procs(children, timeout=10)[1] == []
    assert len(list(place.iterdir())) == 1
    with ApiServer():
        [left] = place.iterdir()
    assert left.name.startswith(f"{os.getpid()}.") and list(place.iterdir()) == []


def test_a_state_directory_that_only_api_servers_have_used_is_ours(
    tmp_path, monkeypatch
):
    """A cluster can be started in it later, and `delete` removes it."""
    state = tmp_path / "state"
    monkeypatch.setenv("LAB_STATE_DIR", str(state))
    assert apiserver.make_directory().is_relative_to(state)
    statedir.refuse_foreign(state)
    assert state.stat().st_mode & 0o777 == 0o700
