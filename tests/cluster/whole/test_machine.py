"""The machine: start, stop, what is left, and what is in the way."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from cluster import errors
from cluster.local.backend import Local
from cluster.local.machine import NAMESPACES, local_machine
from cluster.machine import identity, layout, pki, ports, storage
from cluster.machine.host import Machine
from cluster.processes import PACKAGES, start_time
from cluster.progress import Silent
from tests.cluster.whole.lab import ONCE, full, members
from tests.patience import patience
from tests.waiting import until

pytestmark = ONCE


class Recorder:
    """A view that keeps what it is told."""

    def __init__(self) -> None:
        self.said = []

    def update(self, message: str) -> None:
        self.said.append(message)

    def finish(self, message: str) -> None:
        self.said.append(message)


def test_it_is_a_cluster(lab):
    status = lab.machine.status()
    assert status["phase"] == "ready"
    assert status["awaited"] == []
    states = {part["state"] for part in status["components"].values()}
    assert states <= {"running", "done"}
    node = json.loads(lab.kubectl("get", "node", layout.NODE_NAME, "-o", "json"))
    assert "node-role.kubernetes.io/control-plane" in node["metadata"]["labels"]
    slices = lab.kubectl("get", "endpointslices", "kubernetes", "-o", "json")
    assert [e["addresses"] for e in json.loads(slices)["endpoints"]] == [
        [layout.NODE_IP]
    ]


@full
def test_an_awkward_path_is_no_trouble(lab):
    assert len(os.fsencode(lab.state)) > 120
    names = [image.name for image in lab.backend.images()]
    assert any("toolbox" in name for name in names)


def test_files_are_private_even_under_umask_0(lab):
    paths = [lab.state, *lab.state.glob("*"), *lab.state.glob("[!n]*/*")]
    sockets = [path for path in paths if path.is_socket()]
    open_to_others = {
        path.relative_to(lab.state)
        for path in paths
        if path.stat().st_mode & 0o077 and path not in sockets
    }
    assert open_to_others <= {Path("logs/pods")}
    assert lab.state.stat().st_mode & 0o777 == 0o700


def test_nothing_listens_on_the_host_but_the_one_port(lab):
    mine = set(members(lab.namespace())) | {lab.builder()}
    addresses = {
        found.laddr
        for found in psutil.net_connections("inet")
        if found.status == psutil.CONN_LISTEN and found.pid in mine
    }
    assert addresses == {("127.0.0.1", lab.port)}


@full
def test_inside_only_pods_reach_what_does_not_belong_to_loopback(lab):
    pid = lab.machine.pid()
    outside = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            address, port = words[1].split(":")
            if words[3] in ("0A", "07") and not address.endswith("0100007F"):
                outside.add(int(port, 16))
    # API server and kubelet for pods, and DNS. Health of kube-proxy's Services: none.
    assert outside == {layout.API_PORT, 10250, 53}


def test_a_second_start_is_refused_and_up_attaches(lab):
    before = lab.machine.pid()
    with pytest.raises(errors.StartFailed, match="runs already"):
        lab.machine.start(lab.binaries, lab.archive, 0, Silent())
    view = Recorder()
    lab.backend.up(view)
    assert lab.machine.pid() == before
    assert "making the namespaces of the cluster" not in view.said


def test_neither_lock_nor_port_are_inherited_by_components(lab):
    lock = os.stat(lab.state / "machine.lock")
    holders = {pid for pid in members(lab.namespace()) if holds(pid, lock)}
    assert holders <= {lab.machine.pid()}
    assert holds(lab.builder(), lock)


def holds(pid: int, file: os.stat_result) -> bool:
    """Say whether a process has a file open; one that has ended has none."""
    gone = suppress(FileNotFoundError, ProcessLookupError)
    with gone:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            # It may have been closed since the directory was read.
            with gone:
                if os.path.samestat(os.stat(descriptor), file):
                    return True
    return False


def test_the_environment_of_pid_1_has_nothing_of_the_learners(lab):
    content = Path(f"/proc/{lab.builder()}/environ").read_bytes()
    names = {entry.partition(b"=")[0] for entry in content.split(b"\0") if entry}
    assert names == {b"PATH", b"LANG"}


def test_a_pod_with_the_root_of_the_node_finds_nothing_of_the_host(lab, tmp_path):
    (tmp_path / "diary").write_text("mine")
    lab.run_pod(
        "nosy",
        hostPID=True,
        volumes=[{"name": "root", "hostPath": {"path": "/"}}],
        container={"volumeMounts": [{"name": "root", "mountPath": "/host"}]},
    )
    home = os.path.expanduser("~")
    for path in (tmp_path / "diary", "/home", "/etc/shadow", "/dev/kmsg", "/boot"):
        found = lab.sh("nosy", f"ls -d '/host{path}' 2>&1 || true")
        assert "No such file" in found, path
    files = lab.sh("nosy", f"find '/host{home}' -type f 2>/dev/null || true")
    # An interpreter may be installed there; the machine runs two scripts with it.
    python = f"/host{os.path.realpath(sys.base_prefix)}/"
    assert [name for name in files.splitlines() if not name.startswith(python)] == []
    disks = lab.sh("nosy", "find /host/dev -type b")
    assert disks == ""
    for path in ("/host/usr/bin/x", "/host/proc/sys/kernel/panic", "/host/sys/x"):
        written = lab.sh("nosy", f"(echo 1 > {path}) 2>&1 || true")
        assert re.search("Read-only|Permission denied|nonexistent", written), path
    lab.kubectl("delete", "pod", "nosy")


def test_the_system_calls_of_a_pod_are_filtered(lab):
    lab.run_pod("filtered")
    mode = lab.sh("filtered", "grep ^Seccomp: /proc/self/status").split()[1]
    lab.kubectl("delete", "pod", "filtered")
    assert mode == ("2" if lab.machine.status()["seccomp"] else "0")


@full
def test_pods_cannot_see_the_hosts_network(lab):
    lab.run_pod("looking", hostNetwork=True)
    devices = lab.sh("looking", "cat /proc/net/dev")
    routes = lab.sh("looking", "cat /proc/net/route").splitlines()[1:]
    lab.kubectl("delete", "pod", "looking")
    host = {name for _, name in socket.if_nameindex()} - {"lo"}
    inside = {line.partition(":")[0].strip() for line in devices.splitlines()[2:]}
    assert "lo" in inside and not inside & host
    # None leads to everywhere, so none to the internet.
    assert routes and "00000000" not in {route.split()[1] for route in routes}


def test_stop_with_three_watches_is_done_before_it_would_kill(lab):
    lab.kubectl("create", "configmap", "kept", "--from-literal=a=b")
    namespace, port = lab.namespace(), lab.port
    document = lab.backend.kubeconfig
    watches = [
        subprocess.Popen(
            [lab.binaries / "kubectl", "get", kind, "--watch", "-A"],
            env={"KUBECONFIG": str(document), "HOME": str(lab.state.parent)},
            stdout=subprocess.PIPE,
        )
        # What is always there: a watch of an empty list says nothing.
        for kind in ("services", "configmaps")
    ]
    tls = ssl.create_default_context(cafile=lab.state / "pki" / "ca.crt")
    tls.load_cert_chain(lab.state / "pki/admin.crt", lab.state / "pki/admin.key")
    third = urllib.request.urlopen(
        f"https://127.0.0.1:{port}/api/v1/events?watch=1", context=tls, timeout=30
    )
    for watch in watches:
        assert watch.stdout.readline(), "the watch is open"
    began = time.monotonic()
    assert lab.backend.stop() is True
    took = time.monotonic() - began
    with third, contextlib.suppress(http.client.IncompleteRead):
        third.read()  # ends, since the other side is gone
    for watch in watches:
        with watch:
            watch.wait(10)
    lab.assert_nothing_left(namespace)
    # After 8 s it would be the kernel that ends it.
    assert took <= min(patience(5.0), 7.5)
    assert lab.backend.stop() is False
    assert lab.backend.status() is None
    lab.up()
    assert lab.port == port
    assert lab.kubectl("get", "configmap", "kept", "-o=jsonpath={.data.a}") == "b"
    lab.kubectl("delete", "configmap", "kept")


@full
def test_pods_run_again_after_stop_and_up(lab):
    lab.run_pod("stays")
    lab.backend.stop()
    lab.up()
    until(
        lambda: (
            lab.kubectl(
                "get",
                "pod",
                "stays",
                "-o=jsonpath={.status.containerStatuses[0].restartCount}",
            )
            == "1"
        ),
        30,
        "the container was started again",
    )
    lab.await_pod("stays")
    assert lab.sh("stays", "echo here") == "here\n"
    lab.kubectl("delete", "pod", "stays")


@full
def test_a_pid_that_is_another_processs_by_now_is_never_signalled(stopped):
    with subprocess.Popen(["sleep", "300"]) as innocent:
        started = start_time(innocent.pid)
        for start in (started - 1, None, "x"):
            entry = {"pid": innocent.pid, "start": start}
            content = json.dumps({"pid_1": entry, "outer": entry})
            (stopped.state / "machine.json").write_text(content)
            assert stopped.machine.pid() is None
            assert stopped.machine.stop() is False
            identity.send(stopped.state, signal.SIGKILL)
            assert innocent.poll() is None
        stopped.up()
        stopped.backend.stop()
        assert innocent.poll() is None
        innocent.kill()


@full
def test_a_damaged_machine_file_hides_no_running_machine(lab):
    namespace = lab.namespace()
    for content in ("", "[]", '{"pid_1": 7}', "\0\0", "null", "{"):
        (lab.state / "machine.json").write_text(content)
        assert lab.machine.running()
        assert lab.phase() == "ready"
    assert lab.machine.stop() is True
    lab.assert_nothing_left(namespace)


@full
def test_a_damaged_status_file_is_told_with_the_way_out(lab):
    path = lab.state / "run" / "status.json"
    before = path.read_text()
    for content in ("", "{", "[]", "null", '{"x": 1}', "\0"):
        path.write_text(content)
        with pytest.raises(errors.StateError) as caught:
            lab.machine.status()
        assert caught.value.path == path
        assert "stop" in caught.value.way_out
        assert len(str(caught.value).splitlines()) <= 2
    path.write_text(before)


@pytest.mark.parametrize("content", ["", "x", "0", "-1", "70000", "1e3"])
def test_a_damaged_port_file_means_any_port(tmp_path, content):
    (tmp_path / "port").write_text(content)
    assert ports.port_of(tmp_path) == 0


@full
def test_a_taken_port_is_told_with_its_owner(stopped):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(errors.PortTaken) as caught:
            stopped.backend.up(Silent(), port=port)
    assert caught.value.port == port
    assert f"pid {os.getpid()}" in caught.value.owner
    assert not stopped.machine.running()


@full
def test_the_port_of_last_time_is_only_a_habit(stopped):
    before = stopped.port
    with socket.create_server(("127.0.0.1", before)):
        stopped.up()
    assert stopped.port not in (0, before)
    assert "lab-control-plane" in stopped.kubectl("get", "nodes")


@full
@pytest.mark.skipif(os.geteuid() == 0, reason="root may bind every port")
def test_a_port_that_only_root_may_have(stopped):
    with pytest.raises(errors.StartFailed, match="Permission denied"):
        stopped.backend.up(Silent(), port=81)


def test_a_file_where_the_state_should_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.StateError) as caught:
        local_machine(tmp_path / "file").start(tmp_path, None, 0, Silent())
    assert caught.value.path == tmp_path / "file"
    assert "LAB_STATE_DIR" in caught.value.way_out


@full
@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_state_directory_that_cannot_be_written(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(errors.StateError, match="Permission denied") as caught:
        Local(tmp_path / "state").up()
    assert len(str(caught.value).splitlines()) <= 2


@full
def test_too_little_disk_is_told_before_anything_starts(stopped, monkeypatch):
    monkeypatch.setattr(storage, "DISK_NEEDED", 10**18)
    with pytest.raises(errors.NotEnough) as caught:
        stopped.up()
    assert caught.value.needed == 10**18
    assert not stopped.machine.running()


def test_a_component_that_cannot_start_fails_the_start(stopped, tmp_path):
    binaries = with_broken_scheduler(stopped.binaries, tmp_path)
    children = psutil.Process().children()
    with pytest.raises(errors.ComponentFailed) as caught:
        stopped.machine.start(binaries, stopped.archive, 0, Silent())
    error = caught.value
    assert (error.component, error.ended) == ("kube-scheduler", "exit code 3")
    assert error.tail == "no scheduling today"
    assert error.log == stopped.state / "logs" / "kube-scheduler.log"
    assert error.log.read_text().count("no scheduling today") == 3
    assert not stopped.machine.running()
    assert psutil.Process().children() == children


def with_broken_scheduler(binaries: Path, directory: Path) -> Path:
    """Return a directory like `binaries` with a scheduler that ends at once."""
    copy = directory / "bin"
    copy.mkdir()
    for path in binaries.iterdir():
        if path.is_file() and path.name != "kube-scheduler":
            try:
                os.link(path, copy / path.name)
            except OSError:  # another file system
                (copy / path.name).write_bytes(path.read_bytes())
                (copy / path.name).chmod(0o755)
    broken = copy / "kube-scheduler"
    broken.write_text("#!/bin/sh\necho no scheduling today\nexit 3\n")
    broken.chmod(0o755)
    return copy


@full
def test_a_component_that_is_never_ready_ends_with_the_budget(stopped, tmp_path):
    binaries = with_broken_scheduler(stopped.binaries, tmp_path)
    (binaries / "kube-scheduler").write_text("#!/bin/sh\nexec sleep 1000\n")
    program = replace(NAMESPACES, main="tests.cluster.whole.shortbudget.main")
    machine = Machine(stopped.state, program)
    with pytest.raises(errors.StartFailed) as caught:
        machine.start(binaries, stopped.archive, 0, Silent())
    assert "kube-scheduler" in caught.value.fact
    assert str(stopped.state / "logs") in caught.value.way_out
    assert not machine.running()


@full
def test_a_deleted_state_leaves_nothing(tmp_path):
    machine = local_machine(tmp_path / "state")
    pki.ensure(machine.state / "pki")
    with identity.locked(machine.state):
        with pytest.raises(errors.StateError):
            machine.stop(patience=0.2)
    assert machine.delete() is True
    assert not machine.state.exists()
    assert machine.delete() is False


def test_asking_whether_it_runs_disturbs_nobody(tmp_path):
    """Whoever asks must not be taken for the machine, nor keep a start away."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path;"
        "from cluster.machine import identity\n"
        "print('asking', flush=True)\n"
        "while True: identity.running(Path(sys.argv[2]))"
    )
    with identity.locked(tmp_path):
        assert identity.running(tmp_path)
    arguments = [sys.executable, "-c", program, PACKAGES, str(tmp_path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as asker:
        try:
            asker.stdout.readline()
            for _ in range(2000):
                assert not identity.running(tmp_path)
                with identity.locked(tmp_path):
                    pass
            assert asker.poll() is None
        finally:
            asker.kill()
