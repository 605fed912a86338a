"""Put the progress of several learners into one table, for their teacher."""

import csv
import io
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from cluster import paths
from helpers import errors
from helpers.course import lessons
from helpers.course.attempts import Attempt, BadLine, read
from helpers.course.exam import all_exams

COLUMNS = ("learner", "lesson", "exercise", "passed", "attempts", "first_pass")
ITEMS = (
    *("lesson", "exercise", "learners", "first_try"),
    *("diagnosis_1", "diagnosis_2", "diagnosis_3"),
)
#: in the grades: what Moodle calls a learner's account, and the sum of all lessons
USERNAME, TOTAL = "username", "total"
EXAMS = ("learner", "seed", "points", "minutes", "finished", "revealed")
#: the directories above the file that say nothing of the learner
_USUAL = ("kubernetes-api-notebooks", "state", ".local")


def collect(files: Iterable[Path]) -> str:
    """Return CSV with COLUMNS: a row for each learner and exercise of the course.

    Raise LabError for a file that is not there, for a line that is no attempt, and
    for two files of the same learner.
    """
    learners = _learners(files).items()
    lines = ((name, *row) for name, tried in learners for row in rows(tried))
    return _table(COLUMNS, lines)


def items(files: Iterable[Path]) -> str:
    """Return CSV with ITEMS: a row for each exercise of the course, of all learners.

    Raise as `collect`.
    """
    histories = list(_learners(files).values())
    table = []
    for lesson in lessons():
        for name in lesson.exercises:
            tries = [
                [attempt for attempt in history if attempt.exercise == name]
                for history in histories
            ]
            tries = [history for history in tries if history]
            first = sum(history[0].passed for history in tries)
            share = str(round(100 * first / len(tries))) if tries else ""
            # Once for each learner: who tries one answer ten times is one learner.
            diagnoses = Counter(
                text
                for history in tries
                for text in {attempt.diagnosis for attempt in history} - {""}
            )
            common = sorted(diagnoses.items(), key=lambda pair: (-pair[1], pair[0]))[:3]
            words = [f"{count}: {text}" for text, count in common]
            row = (lesson.name, name, len(tries), share, *words)
            table.append((*row, *[""] * (len(ITEMS) - len(row))))
    return _table(ITEMS, table)


def grades(files: Iterable[Path]) -> str:
    """Return CSV for the gradebook of Moodle: a row for each learner.

    After USERNAME, a column for each lesson with exercises has how many are solved, and
    TOTAL has their sum. Raise as `collect`.
    """
    graded = [lesson for lesson in lessons() if lesson.exercises]
    table = []
    for name, attempts in _learners(files).items():
        solved = {attempt.exercise for attempt in attempts if attempt.passed}
        points = [len(solved.intersection(lesson.exercises)) for lesson in graded]
        table.append((name, *points, sum(points)))
    return _table([USERNAME, *(lesson.name for lesson in graded), TOTAL], table)


def exams(files: Iterable[Path]) -> str:
    """Return CSV with EXAMS: a row for each exam that a learner has begun.

    `revealed` is whether the answers were shown before the first complete answer. Raise
    as `collect`.
    """
    lines = (
        (
            name,
            *(exam.seed, exam.points, exam.minutes),
            "yes" if exam.finished else "no",
            "yes" if exam.first_answer == "" else "no",
        )
        for name, noted in _learners(files, steps=True).items()
        for exam in all_exams(noted)
        if exam._steps
    )
    return _table(EXAMS, lines)


def _table(columns: Iterable[str], lines: Iterable[tuple]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([columns, *lines])
    return out.getvalue()


def _learners(
    files: Iterable[Path], *, steps: bool = False
) -> dict[str, list[Attempt]]:
    """Return the attempts of each learner, or the `steps`; raise as `collect`."""
    learners: dict[str, Path] = {}
    attempts = {}
    for file in files:
        name = learner(file)
        if name in learners:
            raise errors.LabError(
                f"{file} and {learners[name]} are both of a learner {name}.",
                "Give one of them another name.",
            )
        learners[name] = file
        attempts[name] = [one for one in _attempts(file) if bool(one.result) is steps]
    return attempts


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
    return [(homes[name], name, *_summary(tries)) for name, tries in tried.items()]


def _summary(attempts: list[Attempt]) -> tuple[str, int, str]:
    for count, attempt in enumerate(attempts, 1):
        if attempt.passed:
            when = datetime.fromtimestamp(attempt.time, UTC)
            return "yes", count, f"{when:%Y-%m-%dT%H:%M:%SZ}"
    return "no", len(attempts), ""


def _attempts(file: Path) -> list[Attempt]:
    if not file.exists():
        raise errors.LabError(f"{file} does not exist.", "Look at its name.")
    lines = read(file)
    for line in lines:
        if isinstance(line, BadLine):
            raise errors.LabError(
                f"{file}, line {line.number}: {line.reason}.",
                "Remove the line, or ask for the file again.",
            )
    return [line for line in lines if isinstance(line, Attempt)]
