"""Put the progress of several learners into one table, for their teacher."""

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from cluster import paths
from helpers import errors
from helpers.course import lessons
from helpers.course.attempts import Attempt, BadLine, read

COLUMNS = ("learner", "lesson", "exercise", "passed", "attempts", "first_pass")
#: the directories above the file that say nothing of the learner
_USUAL = ("kubernetes-api-notebooks", "state", ".local")


def collect(files: Iterable[Path]) -> str:
    """Return CSV with COLUMNS: a row for each learner and exercise of the course.

    Raise LabError for a file that is not there, for a line that is no attempt, and
    for two files of the same learner.
    """
    learners: dict[str, Path] = {}
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    for file in files:
        name = learner(file)
        if name in learners:
            raise errors.LabError(
                f"{file} and {learners[name]} are both of a learner {name}.",
                "Give one of them another name.",
            )
        learners[name] = file
        table.writerows((name, *row) for row in rows(_attempts(file)))
    return out.getvalue()


def learner(file: Path) -> str:
    """Return the learner's name, from a file's name or directory."""
    name = file.stem
    if file.name == paths.PROGRESS:
        above = [*reversed(file.absolute().parent.parts)]
        for usual in _USUAL:
            if above[:1] == [usual]:
                above = above[1:]
        name = above[0] if above else name
    # Learners name their files; a spreadsheet takes these for formulas.
    return name.lstrip("=+-@\t\r") or "?"


def rows(attempts: list[Attempt]) -> list[tuple[str, str, str, int, str]]:
    """Return lesson, exercise, passed, attempts, first pass for each exercise; pure.

    Exercises of the course come first and in its order, then those that it no longer
    has.
    """
    tried: dict[str, list[Attempt]] = {
        name: [] for lesson in lessons() for name in lesson.exercises
    }
    homes = {name: lesson.name for lesson in lessons() for name in lesson.exercises}
    for attempt in attempts:
        tried.setdefault(attempt.exercise, []).append(attempt)
        homes.setdefault(attempt.exercise, attempt.lesson)
    return [(homes[name], name, *_summary(each)) for name, each in tried.items()]


def _summary(attempts: list[Attempt]) -> tuple[str, int, str]:
    for count, attempt in enumerate(attempts, 1):
        if attempt.passed:
            when = datetime.fromtimestamp(attempt.time, UTC)
            return "yes", count, f"{when:%Y-%m-%dT%H:%M:%SZ}"
    return "no", len(attempts), ""


def _attempts(file: Path) -> list[Attempt]:
    if not file.exists():
        raise errors.LabError(f"{file} does not exist.", "Look at its name.")
    found = read(file)
    for line in found:
        if isinstance(line, BadLine):
            raise errors.LabError(
                f"{file}, line {line.number}: {line.reason}.",
                "Remove the line, or ask for the file again.",
            )
    return [line for line in found if isinstance(line, Attempt)]
