"""Write copies of the notebooks for a class and for its teacher."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from cluster.errors import INSTALLED, PROGRAM
from helpers import errors
from helpers.course import lessons
from helpers.course.exercise import with_solutions, without_solutions


def _notebooks() -> Path:
    """Return the directory of the lessons: this checkout's, or the installed ones."""
    parents = Path(__file__).resolve().parents
    wheel = [above / "share" / PROGRAM for above in parents if INSTALLED]
    return next((place for place in wheel if place.is_dir()), parents[2] / "notebooks")


NOTEBOOKS = _notebooks()
#: where the lessons of a language are, from the directory of the notebooks
EDITIONS = ("", "ko")
STUDENT, TEACHER = "student", "teacher"


def export(directory: Path) -> None:
    """Write `student/` and `teacher/` into a new or empty directory.

    Raise LabError without notebooks, or for a directory that is not empty.
    """
    if not all((NOTEBOOKS / lesson.path).exists() for lesson in lessons()):
        raise errors.LabError(
            "There are no notebooks here to export.",
            "Run it in a checkout, or install the package again.",
        )
    _demand_empty(directory)
    notebooks = {path: load(path) for path in paths()}
    for name, change in ((STUDENT, without_solutions), (TEACHER, with_solutions)):
        for path, notebook in notebooks.items():
            text = json.dumps(change(notebook), indent=1, ensure_ascii=False)
            _place(directory / name / path).write_text(f"{text}\n", "utf-8")
        for file in _other_files():
            place = _place(directory / name / file.relative_to(NOTEBOOKS))
            shutil.copyfile(file, place)


def paths() -> list[Path]:
    """Return every lesson in every language, from the directory of the notebooks."""
    every = [Path(edition, lesson.path) for edition in EDITIONS for lesson in lessons()]
    return [path for path in every if (NOTEBOOKS / path).exists()]


def load(path: Path) -> dict:
    """Return a notebook as parsed JSON."""
    return json.loads((NOTEBOOKS / path).read_text("utf-8"))


def _other_files() -> Iterator[Path]:
    """Yield the files beside the lessons: pictures, the glossary."""
    for edition in EDITIONS:
        yield from sorted((NOTEBOOKS / edition).glob("*.md"))
        images = (NOTEBOOKS / edition).glob("images/*")
        yield from sorted(file for file in images if file.is_file())


def _demand_empty(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        full = next(directory.iterdir(), None)
    except OSError as error:
        raise errors.LabError(
            f"{directory} cannot be used: {error.strerror}.", "Name another directory."
        ) from None
    if full:
        raise errors.LabError(
            f"{directory} is not empty: it contains {full.name}.",
            "Name a new directory; nothing is overwritten.",
        )


def _place(path: Path) -> Path:
    """Return a path whose directory exists."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
