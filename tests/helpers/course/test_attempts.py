"""Checks note attempts in a file, which `delete` keeps."""

import stat
import subprocess
import sys

import pytest

from cluster import statedir
from cluster.machine import storage
from cluster.tests.commandline import helpers
from helpers.course import attempts
from helpers.course.attempts import BadLine
from tests.notebooks import ROOT

WRITER = """
import sys
from helpers.course.attempts import note
for number in range(200):
    note("some-lesson", f"from_{sys.argv[1]}_{number}", "x" * 5000)
"""


def noted():
    return attempts.read(attempts.file())


def test_what_runs_solutions_notes_nothing(state, monkeypatch):
    attempts.note("some-lesson", "earlier")
    before = attempts.file().read_bytes()
    monkeypatch.setenv(attempts.SETTING, "off")
    monkeypatch.setattr(attempts, "_unwritten", [])
    attempts.note("some-lesson", "guess")
    assert attempts.file().read_bytes() == before
    assert [each.exercise for each in attempts.read_own()] == ["guess"]


def test_two_kernels_at_once_lose_nothing(state):
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(number)], cwd=ROOT)
        for number in range(2)
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert {each.exercise for each in noted()} == {
        f"from_{writer}_{number}" for writer in range(2) for number in range(200)
    }


def test_a_line_that_broke_off_takes_no_other_with_it(state):
    attempts.note("some-lesson", "first")
    whole = attempts.file().read_bytes()
    attempts.file().write_bytes(whole + whole[:20])
    attempts.note("some-lesson", "second")
    first, torn, second = noted()
    assert (first.exercise, second.exercise) == ("first", "second")
    assert torn == BadLine(2, "it is not JSON")


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe",
        b"[" * 100_000,
        b"[1]",
        b'{"time": true, "lesson": "a", "exercise": "b", "diagnosis": ""}',
        b'{"time": 1e400, "lesson": "a", "exercise": "b", "diagnosis": ""}',
        b'{"time": -1, "lesson": "a", "exercise": "b", "diagnosis": ""}',
        b'{"time": 253402300800, "lesson": "a", "exercise": "b", "diagnosis": ""}',
        b'{"time": 1, "lesson": "=cmd()", "exercise": "b", "diagnosis": ""}',
        b'{"time": 1, "lesson": "a", "exercise": "b\\n", "diagnosis": ""}',
        b'{"time": 1, "lesson": "a", "exercise": "b"}',
    ],
    ids=range(10),
)
def test_what_no_check_has_written_is_a_bad_line(state, line):
    state.mkdir()
    attempts.file().write_bytes(line + b"\n")
    [bad] = noted()
    assert bad.number == 1 and bad.reason


def test_a_file_that_cannot_be_written_is_said_and_stops_nobody(state, capsys):
    state.write_text("a file, not a directory")
    attempts.note("some-lesson", "guess")
    assert capsys.readouterr().err.startswith(
        f"This attempt is not noted in {attempts.file()}: "
    )


def test_a_removed_cluster_leaves_it_behind(state):
    """And the directory is ours still: the next start takes it."""
    statedir.make(state)
    (state / "etcd").mkdir()
    attempts.note("some-lesson", "guess")
    assert statedir.has_more(state)
    storage.remove_state(state)
    assert [path.name for path in state.iterdir()] == ["progress.jsonl"]
    assert not statedir.has_more(state)
    statedir.make(state)
    attempts.file().unlink()
    storage.remove_state(state)
    assert not state.exists()


def test_delete_has_nothing_to_do_where_only_it_is_left(state):
    attempts.note("some-lesson", "guess")
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    done = helpers("delete", "--yes")
    assert (done.returncode, done.stdout) == (0, "nothing to delete\n")
    assert [each.exercise for each in noted()] == ["guess"]
