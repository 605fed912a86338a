"""Jobs run several at a time, in their order, and each has its lines."""

import os
import time
from pathlib import Path

from tools import sidebyside


def meet(mine, others):
    mine.touch()
    while len([*mine.parent.iterdir()]) < others:
        time.sleep(0.01)
    return "met"


def die():
    os._exit(3)


def lines(capsys):
    told = capsys.readouterr().err.splitlines()
    return [line.partition("] ")[2] for line in told]


def test_as_many_as_asked_run_at_once_and_each_has_two_lines(tmp_path: Path, capsys):
    jobs = {name: (tmp_path / name, 2) for name in ("a", "b")}
    assert sidebyside.run(meet, jobs, 2) == {"a": "met", "b": "met"}
    assert sorted(lines(capsys)) == ["a", "a: met", "b", "b: met"]


def test_they_begin_in_their_order_and_a_process_that_dies_is_a_result(capsys):
    assert sidebyside.run(die, {name: () for name in "ba"}, 1) == dict.fromkeys("ba")
    dead = "{}: its process died".format
    assert lines(capsys) == ["b", dead("b"), "a", dead("a")]
