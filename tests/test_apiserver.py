"""An API server of a notebook restarts for that notebook alone, and leaves nothing."""

import os
import signal
import socket
from pathlib import Path

import psutil
import pytest
import requests
from urllib3.exceptions import HTTPError

from cluster import apiserver, errors, ownserver, paths
from cluster.apiserver import ApiServer
from cluster.binaries.recipe import API_SERVER
from cluster.processes import end_process
from tests.likekernel import like_a_kernel
from tests.local.waiting import until

PROGRAMS = Path("/programs")


def test_the_command_lines_name_no_directory():
    """Everything is relative to one directory, whose name may be long or strange."""
    lines = [
        *ownserver.etcd_command(PROGRAMS / "etcd"),
        *ownserver.apiserver_command(PROGRAMS / "kube-apiserver", 4711),
    ]
    assert [part for part in lines if "=/" in part or ":///" in part] == []
    assert "--secure-port=4711" in lines
    assert lines.count("--bind-address=127.0.0.1") == 1


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


def create(core, name):
    return core.create_namespaced_config_map("default", {"metadata": {"name": name}})


def test_a_restart_keeps_objects_and_address(own, core):
    """Another process answers at the same URL, with what the first one stored."""
    create(core, "kept")
    url, pid = own.url, own.pid
    assert own.restart() is own
    assert own.url == url and own.pid != pid
    assert not psutil.pid_exists(pid)
    assert core.read_namespaced_config_map("kept", "default").metadata.name == "kept"
    assert repr(own) == f"kube-apiserver of this notebook at {url} (pid {own.pid})"


@pytest.mark.full("infrastructure that lessons do not touch")
def test_one_that_was_killed_comes_back_with_its_objects(own, core):
    """As after a crash: start and restart are the same then."""
    create(core, "crashed")
    os.kill(own.pid, signal.SIGKILL)
    until(lambda: not own.running)
    with pytest.raises(errors.ServerEnded):
        _ = own.url
    own.start()
    assert core.read_namespaced_config_map("crashed", "default")


@pytest.mark.full("infrastructure that lessons do not touch")
def test_it_forgets_soon(own, core):
    """A token for the next page ends within seconds, once the server was restarted."""
    from kubernetes.client import ApiException

    for name in ("page-1", "page-2"):
        create(core, name)
    token = core.list_namespaced_config_map("default", limit=1).metadata._continue
    own.restart()

    def refused():
        try:
            core.list_namespaced_config_map("default", limit=1, _continue=token)
        except ApiException as error:
            return error.status
        return None

    assert until(refused, 30) == 410


def test_strangers_are_not_let_in(own):
    """Not even to the health paths: whoever is let in may do everything."""
    ca = str(own._directory / "pki" / "ca.crt")
    assert requests.get(f"{own.url}/version", verify=ca).status_code == 401


def test_only_its_user_can_read_what_it_stores(own):
    """Its directory is closed, and so is each file; it listens on the one port."""
    files = [path for path in own._directory.rglob("*") if path.is_file()]
    found = [own._directory, own._directory.parent, *files]
    assert [path for path in found if path.stat().st_mode & 0o077] == []
    listening = {
        connection.laddr
        for process in own._processes.values()
        for connection in psutil.Process(process.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {("127.0.0.1", int(own.url.rpartition(":")[2]))}


@pytest.mark.full("infrastructure that lessons do not touch")
def test_nobody_gets_its_port_while_it_is_away(own, core):
    """Refused, and not answered by whoever comes along."""
    port = int(own.url.rpartition(":")[2])
    end_process(own._processes["kube-apiserver"], apiserver.GRACE)
    with pytest.raises(HTTPError, match="refused"):
        core.list_namespace()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))
    own.start()
    assert core.list_namespace().items


@pytest.mark.full("infrastructure that lessons do not touch")
def test_two_do_not_meet(own, core, place):
    """Each notebook has its own, and what is in one is not in the other."""
    from kubernetes import client

    create(core, "here")
    with ApiServer() as other:
        assert other.url != own.url
        found = client.CoreV1Api(other.api_client()).list_namespaced_config_map
        names = [one.metadata.name for one in found("default").items]
    assert "here" not in names


@pytest.mark.full("infrastructure that lessons do not touch")
def test_a_block_is_its_lifetime(place):
    """Two processes and a directory come, and go; also after a failure in it."""
    with pytest.raises(ZeroDivisionError):
        with ApiServer() as running:
            pids = [process.pid for process in running._processes.values()]
            assert len(pids) == 2 and len(list(place.iterdir())) == 1
            _ = 1 / 0
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert list(place.iterdir()) == []


@pytest.mark.full("infrastructure that lessons do not touch")
def test_one_that_nobody_holds_is_stopped(place):
    """A cell that is run again leaves no second one behind."""
    held = ApiServer().start()
    process = psutil.Process(held.pid)
    held = None
    assert not process.is_running()
    assert list(place.iterdir()) == []
    assert held is None


def test_stop_before_start_does_nothing():
    """A cell that cleans up may run alone."""
    never = ApiServer()
    never.stop()
    assert repr(never) == "kube-apiserver of this notebook, not running"
    assert never.pid is None
    for ask in (lambda: never.url, never.api_client):
        with pytest.raises(errors.ServerEnded, match="does not run"):
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
        monkeypatch.setattr(ownserver.binaries, "find", lambda recipe: tmp_path)

    return install


@pytest.mark.parametrize("name", ["etcd", "kube-apiserver"])
def test_one_that_ends_at_once_is_quoted(programs, place, name):
    """Which, how, and its own words; the other one is not left alone."""
    programs(**{name.replace("-", "_"): "echo 'no such flag' >&2; exit 3"})
    failing = ApiServer()
    with pytest.raises(errors.ServerEnded) as caught:
        failing.start()
    assert (caught.value.program, caught.value.ended) == (name, "exit code 3")
    assert caught.value.words == "no such flag"
    assert not failing.running and list(place.iterdir()) == []


def test_one_that_is_never_ready_is_ended(programs, place):
    """The wait has an end, and what was started does not outlive it."""
    programs()
    silent = ApiServer()
    with pytest.raises(errors.NotReady) as caught:
        silent.start(timeout=0.3)
    assert 0.3 <= caught.value.waited < 30
    assert not silent.running and list(place.iterdir()) == []


def test_one_that_is_deaf_is_killed(programs, place, monkeypatch):
    """SIGKILL after the grace: `stop` returns when it is gone."""
    monkeypatch.setattr(apiserver, "GRACE", 0.2)
    # The shell itself reads, so that no child of it is left.
    programs(kube_apiserver="trap '' TERM; while :; do read line < /dev/tty || :; done")
    deaf = ApiServer()
    with pytest.raises(errors.NotReady):
        deaf.start(timeout=0.3)
    assert not psutil.pid_exists(deaf.pid)


@pytest.fixture
def without_programs(monkeypatch, place):
    """Return which recipes were asked for on a machine that has no program yet."""
    asked = []

    def find(recipe):
        asked.append(("find", recipe))

    def ensure(view, recipe):
        asked.append(("ensure", recipe))
        raise errors.NotEnough("disk space", "here", 2, 1, "Free some.")

    monkeypatch.setattr(ownserver.binaries, "find", find)
    monkeypatch.setattr(ownserver.binaries, "ensure", ensure)
    return asked


def test_without_the_programs_it_gets_these_two(without_programs):
    """As beside a learner's own cluster; why that fails is said as anywhere."""
    with pytest.raises(errors.NotEnough):
        ApiServer().start()
    assert without_programs[-1] == ("ensure", API_SERVER)
    programs = {name for step in API_SERVER.steps for name in step.programs}
    assert programs == {"etcd", "kube-apiserver"}


def test_where_the_programs_cannot_run_it_says_so(without_programs, monkeypatch):
    """On another system a learner goes on with the next section."""
    monkeypatch.setattr(ownserver.sys, "platform", "darwin")
    with pytest.raises(errors.MissingTool) as caught:
        ApiServer().start()
    assert caught.value.tool == "kube-apiserver" and "Linux" in caught.value.way_out
    assert "ensure" not in dict(without_programs)


def test_without_memory_it_does_not_begin(monkeypatch, place):
    """Better a sentence than a kernel that is killed without one."""
    monkeypatch.setattr(ownserver, "memory_available", lambda: 1_000_000)
    with pytest.raises(errors.NotEnough) as caught:
        ApiServer().start()
    assert caught.value.what == "memory"


PARENT = """
import signal
from cluster.apiserver import ApiServer
own = ApiServer().start()
try:
    print(*(process.pid for process in own._processes.values()), flush=True)
    signal.pause()
except KeyboardInterrupt:
    print(own.running, flush=True)
signal.pause()
"""


@pytest.fixture
def parent(place):
    """Yield a process like a kernel, in a group of its own, and its two servers."""
    with like_a_kernel(PARENT) as (process, pids):
        yield process, [psutil.Process(pid) for pid in pids]


@pytest.mark.full("infrastructure that lessons do not touch")
def test_they_die_with_their_kernel(parent, place):
    """Also when that is killed; the next one removes the files it left."""
    process, children = parent
    assert len(children) == 2
    process.kill()
    gone, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    process.wait()
    assert len(list(place.iterdir())) == 1
    with ApiServer():
        [left] = place.iterdir()
    assert left.name.startswith(f"{os.getpid()}.") and list(place.iterdir()) == []


@pytest.mark.full("infrastructure that lessons do not touch")
def test_an_interrupted_cell_leaves_them_alone(parent):
    """The button sends SIGINT to the whole group of the kernel."""
    process, children = parent
    os.killpg(process.pid, signal.SIGINT)
    assert process.stdout.readline() == "True\n"
    assert all(child.is_running() for child in children)


def test_the_files_are_in_the_state_directory(own):
    """So `python -m helpers delete` removes what might be left."""
    assert own._directory.parent == paths.state_dir() / "apiservers"
