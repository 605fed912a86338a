"""A long program: its exit code, its two outputs, and its end with us."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

from cluster import processes
from cluster.tests.waiting import until


class Stop(Exception):
    pass


@pytest.fixture
def run(tmp_path):
    """Run a command, or a shell script, as a job and return its exit code."""

    def run(what, watch=lambda pid: None, **options):
        return processes.run(
            ["sh", "-c", what] if isinstance(what, str) else what,
            log=tmp_path / "log",
            output=tmp_path / "output",
            watch=watch,
            **options,
        )

    return run


@pytest.mark.parametrize(
    ("script", "code"),
    [("true", 0), ("exit 3", 3), ("kill -TERM $$", 128 + signal.SIGTERM)],
)
def test_its_exit_code_is_returned(run, script, code):
    assert run(script) == code


def test_its_answer_is_apart_from_what_it_says(run, tmp_path):
    (tmp_path / "log").write_text("before\n")
    environment = {**os.environ, "WORD": "answer"}
    assert run('echo "$WORD $PWD"; echo said >&2', env=environment, cwd=tmp_path) == 0
    assert (tmp_path / "output").read_text() == f"answer {tmp_path}\n"
    assert (tmp_path / "log").read_text() == "before\nsaid\n"


def test_an_interrupt_ends_all_that_it_started(run, tmp_path):
    """Also what is deaf to SIGTERM, and what has a parent that has ended."""
    started = []

    def watch(pid):
        until((tmp_path / "ready").exists)
        started.extend(psutil.Process(pid).children(recursive=True))
        started.append(psutil.Process(int((tmp_path / "ready").read_text())))
        raise Stop

    orphan = f"trap '' TERM; sleep 300 & echo $! >{tmp_path}/half"
    script = f"({orphan}; mv {tmp_path}/half {tmp_path}/ready) & sleep 300"
    with pytest.raises(Stop):
        run(script, watch)
    assert len(started) >= 2
    assert psutil.wait_procs(started, timeout=10)[1] == []


LAUNCHER = """
import subprocess
from cluster import die_with_parent
for group in (False, True):
    script = f"sleep 300 & echo {group:d} $$ $!; wait"
    command = die_with_parent.command("sh", "-c", script, group=group)
    child = subprocess.Popen(command, start_new_session=True)
    child.wait(1e9) if group else None
"""


def test_a_program_dies_with_its_parent_and_a_group_with_its_leader(tmp_path):
    """Also where the parent is killed, and so can end nothing itself."""
    with subprocess.Popen(
        [sys.executable, "-c", LAUNCHER], stdout=subprocess.PIPE, text=True
    ) as parent:
        (_, alone, left), (_, leader, member) = sorted(
            [int(word) for word in parent.stdout.readline().split()] for _ in range(2)
        )
        everything = [psutil.Process(pid) for pid in (alone, leader, member)]
        parent.kill()
    assert psutil.wait_procs(everything, timeout=10)[1] == []
    psutil.Process(left).kill()


def test_a_program_that_cannot_run_is_named(run, tmp_path):
    """Instead of a traceback of ours."""
    assert run(["/no/such/program"]) == 127
    assert (tmp_path / "log").read_text() == (
        "/no/such/program: No such file or directory\n"
    )


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_a_process_is_known_by_its_start_until_it_ends(platform, monkeypatch):
    """Also without /proc, where its clock may be set; nobody has to reap it."""
    monkeypatch.setattr(processes.sys, "platform", platform)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as child:
        start = processes.start_time(child.pid)
        assert processes.is_same_start(processes.start_time(child.pid), start)
        assert processes.is_same_start(start + 60, start) == (platform == "darwin")
        assert not processes.is_same_start(start + 3600, start)
        child.stdin.close()
        until(lambda: processes.start_time(child.pid) is None)
    assert processes.start_time(child.pid) is None
