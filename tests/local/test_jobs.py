"""A long program: its exit code, its two outputs, and its end with us."""

import os
import signal

import psutil
import pytest

from cluster import jobs
from tests.local.waiting import until


class Stop(Exception):
    pass


@pytest.fixture
def run(tmp_path):
    """Run a shell script as a job and return its exit code."""

    def run(script, watch=lambda pid: None, **options):
        return jobs.run(
            ["sh", "-c", script],
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
    assert run("echo answer; echo said >&2") == 0
    assert (tmp_path / "output").read_text() == "answer\n"
    assert (tmp_path / "log").read_text() == "before\nsaid\n"


def test_it_runs_where_and_with_what_it_is_told(run, tmp_path):
    environment = {**os.environ, "WORD": "here"}
    run('echo "$WORD $PWD"', env=environment, cwd=tmp_path)
    assert (tmp_path / "output").read_text() == f"here {tmp_path}\n"


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


def test_the_last_lines_of_a_log(tmp_path):
    (tmp_path / "log").write_text("one\ntwo\nthree\n")
    assert jobs.tail(tmp_path / "log", 2) == "two\nthree"
