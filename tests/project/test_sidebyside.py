"""Jobs run several at a time, in their order, and each has its lines."""

import io
import os
import time
from pathlib import Path

from tools import sidebyside


class Screen(io.StringIO):
    def isatty(self):
        return True


def meet(mine, others, progress):
    """Say that this job runs, and end when so many run."""
    progress.update(f"{mine.name}: here")
    mine.touch()
    while len([*mine.parent.iterdir()]) < others:
        time.sleep(0.01)
    return "met"


def die(progress):
    os._exit(3)


def test_as_many_as_asked_run_at_once_and_a_log_has_two_lines_of_each(tmp_path: Path):
    log = io.StringIO()
    jobs = {name: (tmp_path / name, 2) for name in ("a", "b")}
    assert sidebyside.run(meet, jobs, 2, sidebyside.Lines(log)) == {
        "a": "met",
        "b": "met",
    }
    lines = sorted(line.partition("] ")[2] for line in log.getvalue().splitlines())
    assert lines == ["a: here", "a: met", "b: here", "b: met"]


def test_they_begin_in_their_order(tmp_path: Path):
    log = io.StringIO()
    jobs = {name: (tmp_path / name, 1) for name in "cab"}
    sidebyside.run(meet, jobs, 1, sidebyside.Lines(log))
    lines = [line.partition("] ")[2] for line in log.getvalue().splitlines()]
    assert lines[::2] == ["c: here", "a: here", "b: here"]


def test_a_process_that_dies_is_a_result():
    found = sidebyside.run(die, {"dead": ()}, 2, sidebyside.Lines(io.StringIO()))
    assert found == {"dead": None}


def test_a_terminal_keeps_what_ended_above_what_runs():
    screen = Screen()
    lines = sidebyside.Lines(screen)
    lines.update("a", "a: cell 1")
    lines.update("b", "b: cell 1")
    lines.finish("a", "ok")
    drawn = screen.getvalue().split("\x1b[J")
    # One line was there when the second came, and two when the first ended.
    assert [part.endswith("\x1b[1F") for part in drawn] == [False, True, False, False]
    assert drawn[-2].endswith("\x1b[2F")
    kept, running, end = drawn[-1].split("\n")
    assert kept.endswith("a: ok") and running.endswith("b: cell 1") and not end
