"""Components in order, restarts, stops: with real children that misbehave."""

import contextlib
import json
import operator
import os
import signal
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from cluster.machine.components import Component
from cluster.machine.supervisor import Supervisor
from cluster.tests.slowness import scaled
from cluster.tests.waiting import until

ROOT = Path(__file__).parents[3]


class Supervised:
    """A supervisor in a process of its own, as PID 1 is, and what it says."""

    def __init__(self, directory: Path, parts: list[dict], stop_first: bool) -> None:
        self.directory = directory
        self._events = directory / "events"
        spec = {"parts": parts, "logs": str(directory), "stop_first": stop_first}
        (directory / "spec").write_text(json.dumps(spec))
        self.process = subprocess.Popen(
            [
                sys.executable,
                Path(__file__).with_name("supervised.py"),
                directory / "spec",
                self._events,
            ],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        until(self.events, what="the supervisor runs")

    def events(self) -> list[dict]:
        if not self._events.exists():
            return []
        whole = self._events.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def last(self) -> dict:
        return self.events()[-1]

    def state(self, name: str) -> dict:
        return self.last()["states"][name]

    def until(self, name: str, state: str, **fields) -> dict:
        wanted = {"state": state, **fields}
        return until(
            lambda: (
                {**self.state(name), **wanted} == self.state(name) and self.state(name)
            ),
            what=f"{name} {wanted}",
        )

    def log(self, name: str) -> str:
        return (self.directory / f"{name}.log").read_text()

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self) -> float:
        """Stop it, expect the good end, and return the seconds that it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) == 0
        return time.monotonic() - began


@pytest.fixture
def supervise(tmp_path):
    """Start supervisors; whatever is left of them is killed."""
    running = []

    def start(*parts: dict, stop_first: bool = False) -> Supervised:
        running.append(Supervised(tmp_path, list(parts), stop_first))
        return running[-1]

    yield start
    for each in running:
        left = each.descendants() if each.process.poll() is None else []
        each.process.kill()
        each.process.wait()
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def part(name: str, script: str, **fields) -> dict:
    """Describe a component that is a shell script."""
    return {"name": name, "argv": ["/bin/sh", "-c", script], **fields}


def test_a_component_starts_when_those_it_needs_are_ready(supervise, tmp_path):
    flag = tmp_path / "ready"
    first = part("first", f"echo on > {flag}; exec sleep 60", ready=str(flag))
    second = part("second", f"cat {flag}; exec sleep 60", needs=["first"])
    ours = supervise(second, first)
    ours.until("second", "running")
    until(lambda: ours.log("second") == "on\n")
    seen = [event["states"] for event in ours.events()]
    assert all(
        states["first"]["state"] == "running"
        for states in seen
        if states["second"]["state"] != "waiting"
    )


def test_a_component_that_is_never_ready_holds_back_those_that_need_it(supervise):
    ours = supervise(
        part("stuck", "exec sleep 60", ready="/dev/null/never", grace=30.0),
        part("other", "exec sleep 60", grace=30.0),
        part("behind", "exec sleep 60", needs=["stuck"]),
    )
    ours.until("other", "running")
    pid = ours.until("stuck", "starting")["pid"]
    assert psutil.pid_exists(pid)
    assert ours.state("behind")["state"] == "waiting"
    assert ours.last()["failed"] is None
    assert ours.stop() < scaled(2)


def test_a_component_that_exits_at_once_fails_after_three_starts(supervise):
    """And what each start has left is ended before the next: deaf, without a parent."""
    script = "trap '' TERM; sleep 61 & echo $!; exit 3"
    ours = supervise(part("bad", script, ready="/dev/null/never"))
    failed = ours.until("bad", "failed")
    assert ours.last()["failed"] == "bad"
    assert failed["last_exit"] == "exit code 3"
    assert (failed["restarts"], failed["pid"]) == (2, None)
    assert len(ours.log("bad").split()) == 3
    until(lambda: ours.descendants() == [], what="all ended and were reaped")


@pytest.mark.parametrize(
    ("mode", "reason"), [(None, "No such file or directory"), (0o644, "Permission")]
)
def test_a_program_that_cannot_be_executed_is_told_and_ends_no_other(
    supervise, tmp_path, mode, reason
):
    """The C library's posix_spawn reaps its failed child, under the reaper's eyes."""
    program = tmp_path / "program"
    if mode:
        program.write_text("#!/bin/sh\n")
        program.chmod(mode)
    bad = [{"name": f"bad{n}", "argv": [str(program)]} for n in range(8)]
    ours = supervise(*bad, part("good", "exec sleep 60"))
    for component in bad:
        failed = ours.until(component["name"], "failed")
        assert failed["last_exit"].startswith(f"{program}: {reason}")
    assert ours.last()["failed"] in {component["name"] for component in bad}
    os.kill(ours.until("good", "running")["pid"], signal.SIGKILL)
    ours.until("good", "running", restarts=1)
    assert ours.process.poll() is None


def test_a_pipe_in_the_place_of_a_log_holds_up_nobody(supervise, tmp_path):
    """As a pod can put one there: to open it waits for a reader."""
    os.mkfifo(tmp_path / "bad.log")
    ours = supervise(part("bad", "exec sleep 60"), part("good", "exec sleep 60"))
    failed = ours.until("bad", "failed")
    assert "No such device" in failed["last_exit"]
    ours.until("good", "running")
    ours.stop()


def test_a_component_that_was_ready_is_restarted_and_counted(supervise):
    ours = supervise(part("main", "exec sleep 60"))
    for count in (1, 2, 3, 4):
        pid = ours.until("main", "running", restarts=count - 1)["pid"]
        os.kill(pid, signal.SIGKILL)
        after = ours.until("main", "running", restarts=count)
        assert after["last_exit"] == "killed by SIGKILL"
        assert after["pid"] != pid
    assert ours.last()["failed"] is None


def test_the_pause_before_a_restart_doubles_and_in_it_a_stop_starts_nothing_more(
    supervise, tmp_path
):
    times = tmp_path / "times"
    ours = supervise(part("main", f"date +%s.%N >> {times}; exit 1"))
    until(lambda: ours.state("main")["restarts"] == 4)
    ours.until("main", "restarting")
    # The next pause is 1.6 s.
    assert ours.stop() < min(scaled(1.0), 1.6)
    began = [float(line) for line in times.read_text().split()]
    pauses = [later - earlier for earlier, later in pairwise(began)]
    least = (0.1, 0.2, 0.4, 0.8)
    assert all(map(operator.ge, pauses, least)) and len(pauses) == 4, pauses
    assert ours.last()["failed"] is None


def test_a_job_is_done_once(supervise):
    ours = supervise(
        part("job", "echo did it", once=True), part("next", "sleep 60", needs=["job"])
    )
    ours.until("next", "running")
    job = ours.state("job")
    assert (job["state"], job["pid"], job["restarts"]) == ("done", None, 0)
    assert ours.log("job") == "did it\n"


def test_a_component_waits_for_an_answer_after_what_it_needs(supervise, tmp_path):
    answer = tmp_path / "answer"
    ours = supervise(
        part("first", "sleep 60"),
        part("late", "sleep 60", needs=["first"], after=str(answer)),
        part("as well", "sleep 60", needs=["first"]),
        part("never", "sleep 60", after="/dev/null/never"),
    )
    ours.until("as well", "running")
    assert ours.state("late")["state"] == "waiting"
    answer.touch()
    ours.until("late", "running")
    ours.stop()
    assert ours.state("never")["state"] == "stopped"


def test_a_flood_of_output_neither_blocks_nor_fills_the_disk(supervise, tmp_path):
    ours = supervise(part("loud", "exec yes 'a line to nobody' >&2", grace=30.0))
    pid = ours.until("loud", "running")["pid"]
    older = tmp_path / "loud.log.1"
    until(older.exists, what="the log was cut")
    # From here on it is cut every 0.05 s; what comes in between depends on the disk.
    until(lambda: (tmp_path / "loud.log").stat().st_size < 100_000)
    assert older.stat().st_size == 1_000
    assert older.stat().st_mode & 0o777 == 0o600
    os.kill(pid, signal.SIGKILL)
    ours.until("loud", "running", restarts=1)
    assert ours.stop() < scaled(3)


def test_stop_waits_for_those_that_must_go_first(supervise, tmp_path):
    order = tmp_path / "order"

    def leaving(name: str, wait: str, **fields) -> dict:
        flag = str(tmp_path / f"{name}-on")
        script = (
            f"trap 'sleep {wait}; echo {name} >> {order}; exit' TERM; "
            f"touch {flag}; while :; do sleep 0.02; done"
        )
        return part(name, script, ready=flag, **fields)

    ours = supervise(
        leaving("store", "0", stop_after=["server"]),
        leaving("server", "0.1", stop_after=["client"]),
        leaving("client", "0.2"),
    )
    for name in ("store", "server", "client"):
        ours.until(name, "running")
    ours.stop()
    assert order.read_text().split() == ["client", "server", "store"]


def test_sigkill_comes_after_the_grace_and_reaches_the_whole_group(supervise, tmp_path):
    flag = tmp_path / "deaf"
    script = f"trap '' TERM; sleep 62 & echo $!; touch {flag}; wait"
    ours = supervise(part("deaf", script, ready=str(flag), grace=1.0))
    pid = ours.until("deaf", "running")["pid"]
    child = int(ours.log("deaf"))
    assert 1.0 <= ours.stop() < scaled(2.5)
    until(lambda: not psutil.pid_exists(pid) and not psutil.pid_exists(child))


def test_stop_before_start_starts_nothing(supervise, tmp_path):
    ours = supervise(part("main", "echo started"), stop_first=True)
    assert ours.state("main")["state"] == "stopped"
    ours.stop()
    assert not (tmp_path / "main.log").exists()


def test_a_stop_while_a_component_is_about_to_start_leaves_no_process(tmp_path):
    """`stop` is over before the process would be there, and could not end it."""
    over = threading.Event()

    class StoppedAtSpawn(Supervisor):
        def _log(self, part: Component) -> str:
            # Between the decision to start and the lock.
            self.stop()
            return super()._log(part)

        def _supervise(self, part: Component) -> None:
            super()._supervise(part)
            over.set()

    main = Component("main", ("/bin/sh", "-c", "echo started"))
    ours = StoppedAtSpawn((main,), lambda _: False, logs=str(tmp_path), env={})
    ours.start()
    assert over.wait(scaled(10))
    entry = ours.states["main"]
    assert (entry.state, entry.pid) == ("stopped", None)
    assert not (tmp_path / "main.log").exists()


def test_a_child_gets_the_given_environment_and_no_ignored_signal(supervise):
    # Python ignores SIGPIPE, and what is ignored stays so through exec.
    ours = supervise(part("main", "env; grep SigIgn /proc/self/status", once=True))
    ours.until("main", "done")
    lines = set(ours.log("main").splitlines())
    assert "GIVEN=by the supervisor" in lines
    ignored = int(next(line for line in lines if "SigIgn" in line).split()[1], 16)
    for number in ("TERM", "INT", "HUP", "PIPE", "XFSZ"):
        assert not ignored >> (signal.Signals[f"SIG{number}"] - 1) & 1, number
    names = {line.partition("=")[0] for line in lines if "=" in line}
    assert names <= {"GIVEN", "PATH", "PWD", "OLDPWD", "SHLVL", "_"}
