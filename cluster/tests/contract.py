"""The contract of every backend, whatever runs its cluster.

A backend joins with a fixture `one_lab`, a `cluster.tests.lab.Lab` of it, and classes
that inherit these; what it cannot promise is None there. The tests of a class share
that cluster, in the order in which they are written: each start takes seconds. What is
special to a backend is tested beside its class.
"""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from cluster import errors
from cluster.backend import STATUS
from cluster.machine import host, identity, ports, probes, shortage
from cluster.progress import Silent
from cluster.tests.lab import Lab, hear
from cluster.tests.slowness import scaled
from cluster.tests.waiting import until

full = pytest.mark.full("faults of a cluster")
#: how many call at once
CALLERS = 4
#: small files of a state directory: each is made again, or not believed
SMALL = (
    "*",
    "run/*.json",
    "etc/*.yaml",
    "logs/etcd.log",
    "pki/apiserver.crt",
    "pki/kubelet.key",
    "pki/scheduler.conf",
    "pki/sa.pub",
)


class Contract:
    """Up, attach, stop, delete, two at once, Ctrl-C, port, damaged files."""

    def test_it_is_ready_and_says_so(self, lab):
        found = lab.backend.status()
        assert found.keys() == STATUS.keys()
        assert (found["phase"], found["awaited"]) == ("ready", [])
        assert found["server"] == f"https://127.0.0.1:{lab.port}"
        assert {*found["components"]} <= {*lab.backend.logs}
        states = {part["state"] for part in found["components"].values()}
        assert states <= {"running", "done"}

    def test_files_are_private_even_under_umask_0(self, lab):
        paths = [lab.state, *lab.state.glob("*"), *lab.state.glob("[!n]*/*")]
        open_to_others = {
            path.relative_to(lab.state)
            for path in paths
            if not path.is_symlink() and path.stat().st_mode & 0o077
            if not path.is_socket()
        }
        assert open_to_others <= {Path("logs/pods")}

    def test_it_listens_on_the_loopback_device_alone(self, lab):
        mine = {process.pid for process in lab.processes()}
        addresses = {
            found.laddr
            for found in psutil.net_connections("inet")
            if found.status == psutil.CONN_LISTEN and found.pid in mine
        }
        assert ("127.0.0.1", lab.port) in addresses
        assert {address.ip for address in addresses} == {"127.0.0.1"}
        assert len(addresses) == lab.listeners

    def test_it_is_started_once(self, lab):
        """Also by who does not wait for the others' turn."""
        with pytest.raises(errors.StartFailed, match="runs already"):
            lab.machine.start(lab.binaries, lab.archive, 0, Silent())
        assert {*identity.processes(lab.state)} <= {*lab.processes()}

    def test_it_is_nobodys_child_and_in_a_session_of_its_own(self, lab):
        outer = lab.processes()[0]
        assert psutil.Process() not in outer.parents()
        assert os.getsid(outer.pid) != os.getsid(0)

    def test_a_second_up_attaches_and_its_port_stays(self, lab):
        before = lab.leaders()
        lab.up()
        with pytest.raises(errors.StartFailed, match=f"port {lab.port}"):
            lab.backend.up(Silent(), port=lab.port % 60000 + 1024)
        assert lab.leaders() == before

    @full
    @pytest.mark.parametrize("name", ["kube-apiserver", "etcd"])
    def test_a_frozen_component_is_told_in_time(self, lab, name, monkeypatch):
        monkeypatch.setattr(probes, "TIMEOUT", 1.0)
        monkeypatch.setattr(host, "ANSWER_WITHIN", 2.0)
        lab.kill(name, signal.SIGSTOP)
        try:
            # The API server itself needs some seconds to notice that etcd is silent.
            until(lambda: lab.phase() == "not answering", 30)
            began = time.monotonic()
            status = lab.command("status")
            assert time.monotonic() - began < scaled(8.0)
            assert status.returncode == 4
            assert status.stdout.startswith("not answering: ")
            began = time.monotonic()
            with pytest.raises(errors.LabError, match="gave no answer in") as caught:
                lab.up()
            assert time.monotonic() - began < scaled(5.0)
            assert "kube-apiserver" in caught.value.hint
            # Where something is short, to start it anew would not help.
            monkeypatch.setattr(shortage, "DISK", 10**18)
            with pytest.raises(errors.NotEnough, match="disk space"):
                lab.up()
        finally:
            lab.kill(name, signal.SIGCONT)
        until(lambda: lab.phase() == "ready", 30)

    @full
    def test_garbage_in_small_files_is_no_obstacle(self, lab):
        """Neither to end what runs, nor to a start."""
        spoil(lab)
        assert lab.machine.running()
        assert lab.command("stop").stdout == "stopped; the objects are kept\n"
        assert lab.command("status").returncode == 3
        spoil(lab)
        up = lab.command("up")
        assert up.returncode == 0, up.stderr
        document = json.loads(lab.backend.kubeconfig.read_text())
        assert document["current-context"] == "lab"

    def test_a_stop_keeps_objects_and_port_whoever_watches(self, lab):
        lab.kubectl("create", "configmap", "kept", "--from-literal=a=b")
        port = lab.port
        watches = [
            subprocess.Popen(
                [lab.binaries / "kubectl", "get", kind, "--watch", "-A"],
                env=lab.for_kubectl,
                stdout=subprocess.PIPE,
            )
            # A watch of an empty list says nothing; these two lists are never empty.
            for kind in ("services", "configmaps")
        ]
        for watch in watches:
            assert watch.stdout.readline(), "the watch is open"
        with lab.ending():
            began = time.monotonic()
            assert lab.backend.stop() is True
            assert time.monotonic() - began <= min(scaled(5.0), lab.killed_after)
        for watch in watches:
            with watch:
                watch.wait(10)
        assert (lab.backend.stop(), lab.backend.status()) == (False, None)
        lab.up()
        assert lab.port == port
        assert lab.kubectl("get", "configmap", "kept", "-o=jsonpath={.data.a}") == "b"
        lab.kubectl("delete", "configmap", "kept")

    def test_delete_removes_all_of_it(self, lab):
        with lab.ending():
            began = time.monotonic()
            assert lab.backend.delete() is True
            assert time.monotonic() - began <= scaled(8.0)
        assert not lab.state.exists()
        assert lab.backend.delete() is False

    def test_many_callers_at_once_get_one_cluster_and_end_it(self, one_lab):
        one_lab.close()
        [exports] = at_once(one_lab, "up")
        assert exports.count("export ") == 2
        with one_lab.ending():
            at_once(one_lab, "stop")

    @pytest.mark.parametrize(
        ("moment", "signals"),
        [("waiting for ", 3), pytest.param("making keys", 1, marks=full)],
    )
    def test_ctrl_c_undoes_a_start(self, stopped, moment, signals):
        """Code 130, one line; also when somebody presses it again."""
        caller = stopped.caller("up")
        hear(caller, moment)
        with stopped.ending():
            for _ in range(signals):
                os.killpg(caller.pid, signal.SIGINT)
            said, _ = caller.communicate(timeout=30)
        assert caller.returncode == 130 and "Traceback" not in said
        assert said.splitlines()[-1] == "interrupted; nothing was left running"

    def test_a_component_that_cannot_start_fails_the_start(self, stopped, tmp_path):
        broken = with_broken_scheduler(stopped.binaries, tmp_path)
        children = psutil.Process().children()
        with stopped.ending(), pytest.raises(errors.ComponentFailed) as caught:
            stopped.machine.start(broken, stopped.archive, 0, Silent())
        error = caught.value
        assert (error.component, error.ended) == ("kube-scheduler", "exit code 3")
        assert error.tail == "no scheduling today"
        assert error.log == stopped.state / "logs" / "kube-scheduler.log"
        assert error.log.read_text().count("no scheduling today") == 3
        assert psutil.Process().children() == children

    @full
    def test_a_start_whose_starter_is_killed_is_completed(self, stopped):
        caller = stopped.caller("up")
        hear(caller, "waiting for ")
        os.killpg(caller.pid, signal.SIGKILL)
        caller.communicate()
        pid = stopped.machine.pid()
        until(lambda: stopped.phase() == "ready", 60, "the start was completed")
        stopped.up()
        assert pid and stopped.machine.pid() == pid
        # The umask of its start was that of a `caller`.
        stopped.settle()
        stopped.assert_intact()

    @full
    @pytest.mark.parametrize("moment", ["making keys", "waiting for "])
    def test_an_up_behind_a_delete_is_a_new_cluster(self, stopped, moment):
        """The first start is stopped; the second waits, or is stopped as well."""
        first = stopped.caller("up")
        heard = hear(first, moment)
        remover, second = stopped.caller("delete", "--yes"), stopped.caller("up")
        for caller in (first, second):
            said, _ = caller.communicate(timeout=120)
            ended = "while it was starting." in said
            assert caller.returncode == 0 or ended, heard + said
        said, _ = remover.communicate(timeout=120)
        assert (remover.returncode, said) == (0, "deleted\n")
        stopped.up()
        assert stopped.phase() == "ready"

    @full
    def test_the_port_of_last_time_is_only_a_habit(self, lab):
        before = lab.port
        lab.backend.stop()
        with ports.listen(before):
            lab.up()
        assert lab.port not in (0, before)
        assert lab.kubectl("get", "--raw", "/readyz") == "ok"

    @full
    def test_damaged_objects_are_told_and_can_be_removed(self, lab):
        """etcd cannot start: its name, its words, its log, and the one way out."""
        lab.backend.stop()
        [database] = (lab.state / "etcd").glob("**/snap/db")
        os.truncate(database, 1000)
        with lab.ending():
            up = lab.command("up")
        assert up.returncode == 1
        assert "Traceback" not in up.stderr and "goroutine" not in up.stderr
        assert "error: etcd could not start: exit code" in up.stderr
        log = lab.state / "logs" / "etcd.log"
        assert f"The whole log is in {log}." in up.stderr
        assert "`.venv/bin/kapi delete` removes them" in up.stderr
        assert lab.command("delete", "--yes").stdout == "deleted\n"


class Victims:
    """A kill leaves nothing behind, or all that was acknowledged comes back."""

    #: components that are started again
    components: tuple = ()
    #: processes whose end ends all others, as `Lab.leaders` names them
    leaders: tuple = ("outer",)
    #: seconds after `Lab.begun`
    moments: tuple = (0.0, 0.5, 1.5)
    #: functions that try a component's work once it is back, by its name
    works: dict = {}

    def pytest_generate_tests(self, metafunc):
        for name in ("component", "leader", "moment"):
            if name in metafunc.fixturenames:
                metafunc.parametrize(name, getattr(self, f"{name}s"))

    def test_a_killed_component_is_started_again(self, steady, component):
        lab = steady
        before, containers = lab.component(component), lab.containers()
        lab.kill(component)
        after = until(
            lambda: (
                lab.component(component)["state"] == "running"
                and lab.component(component)["restarts"] == before["restarts"] + 1
                and lab.component(component)
            ),
            lab.seconds,
            f"{component} runs again",
        )
        assert after["last_exit"] and after["pid"] != before["pid"]
        until(lambda: lab.phase() == "ready", 30, "the API server is ready")
        lab.assert_intact()
        assert lab.containers() == containers
        if component in self.works:
            self.works[component](lab)

    def test_with_its_leader_killed_nothing_is_left_and_objects_come_back(
        self, steady, leader
    ):
        lab, port = steady, steady.port
        with lab.ending():
            os.kill(lab.leaders()[leader], signal.SIGKILL)
        assert lab.backend.status() is None
        lab.up()
        assert lab.port == port
        lab.assert_intact()

    @full
    def test_killed_at_any_moment_of_its_start_it_leaves_nothing(self, stopped, moment):
        caller = stopped.caller("up")
        until(stopped.begun, stopped.seconds, "it was begun")
        # The moment is the test's subject: this is no waiting for something.
        time.sleep(moment)
        with stopped.ending():
            os.kill(stopped.leaders()["outer"], signal.SIGKILL)
        caller.communicate(timeout=60)


def at_once(lab: Lab, word: str) -> set[str]:
    """Run a command several times at once; return what was said on stdout's part."""
    callers = [lab.caller(word) for _ in range(CALLERS)]
    said = [caller.communicate(timeout=300)[0] for caller in callers]
    assert not any("Traceback" in text for text in said), said
    assert [caller.returncode for caller in callers] == [0] * CALLERS, said
    lines = [[x for x in text.splitlines() if x.startswith("export ")] for text in said]
    return {"\n".join(each) for each in lines}


def spoil(lab: Lab) -> None:
    found = [path for name in SMALL for path in lab.state.glob(name) if path.is_file()]
    assert len(found) > 10, found
    for path in found:
        path.write_text("\x00garbage{")


def with_broken_scheduler(binaries: Path, directory: Path) -> Path:
    """Return a directory like `binaries` with a scheduler that ends at once."""
    copy = directory / "bin"
    copy.mkdir()
    for path in binaries.iterdir():
        if path.is_file() and path.name != "kube-scheduler":
            try:
                os.link(path, copy / path.name)
            except OSError:  # `copy` is on another file system
                (copy / path.name).write_bytes(path.read_bytes())
                (copy / path.name).chmod(0o755)
    broken = copy / "kube-scheduler"
    broken.write_text("#!/bin/sh\necho no scheduling today\nexit 3\n")
    broken.chmod(0o755)
    return copy
