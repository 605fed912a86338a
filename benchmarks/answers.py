"""Measure how long each check takes to judge the answers that the tests know.

Usage: `python benchmarks/answers.py [LESSON…] [--slow 10] [--rules]`

With `--slow N` the processes of the cluster, and of its pods, run for one Nth of the
time: SIGSTOP and SIGCONT take turns. A verdict is then the same, or is not decided. The
cluster is that of LAB_STATE_DIR.
"""

import argparse
import contextlib
import io
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from parts import figures

# The answers are the tests' own.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from helpers import connect, errors
from helpers.course.attempts import SETTING
from tests.helpers.exercises.checks import test_answers as answers
from tests.slowdown import slow_down


def judge(notebook: answers.Notebook) -> tuple[str, float]:
    """Return what the check says, and its seconds; "?" if it has not decided."""
    began = time.monotonic()
    try:
        said = notebook.verdict()
    except errors.Undecided as error:
        said = f"? {error}"
    return said, time.monotonic() - began


def measure(name: str, slow: float, every: bool) -> list[tuple[str, int, float, str]]:
    """Return exercise, number, seconds and a remark for each answer of an exercise."""
    rows: list[tuple[str, int, float, str]] = []
    silent = contextlib.redirect_stdout(io.StringIO())
    connect()
    with contextlib.ExitStack() as stack:
        with silent:
            notebook = stack.enter_context(answers.opened(name))
        for number, (answer, expected) in enumerate(
            answers.cases(notebook.exercise, every=every), 1
        ):
            with silent:
                notebook.answer(answer)
                with slow_down(slow):
                    said, seconds = judge(notebook)
            remark = "not decided" if said.startswith("?") else ""
            if not remark and not answers.fits(said, expected):
                remark = f"OTHER: {said!r}, and not {expected!r}"
            elif remark and slow == 1:
                remark = said
            print(f"{name:32} {number:3} {seconds:6.2f} s  {remark}", flush=True)
            rows.append((name, number, seconds, remark))
        with silent:
            stack.close()
    return rows


def main() -> None:
    """Print a line for each answer, and a table of the exercises."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*")
    parser.add_argument("--slow", type=float, default=1.0)
    what = "only the answers that prove a rule of a check"
    parser.add_argument("--rules", action="store_true", help=what)
    options = parser.parse_args()
    os.environ[SETTING] = "off"
    figures.begin("Verdicts on answers")
    found = []
    for name in answers.EXERCISES:
        if not options.lessons or name.startswith(tuple(options.lessons)):
            with tempfile.TemporaryDirectory() as directory:
                os.chdir(directory)
                found += measure(name, options.slow, not options.rules)
                os.chdir("/")
    print(
        "\nexercise                       answers  median     most  not decided  other"
    )
    for name in dict.fromkeys(row[0] for row in found):
        rows = [row for row in found if row[0] == name]
        seconds = [row[2] for row in rows]
        undecided = sum("not decided" in row[3].lower() for row in rows)
        other = sum(row[3].startswith("OTHER") for row in rows)
        print(
            f"{name:32} {len(rows):4} {statistics.median(seconds):6.1f} s "
            f"{max(seconds):6.1f} s {undecided:8} {other:9}"
        )


if __name__ == "__main__":
    main()
