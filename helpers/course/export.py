"""Write copies of the notebooks for a class and for its teacher."""

import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from cluster.errors import INSTALLED, PROGRAM
from helpers import errors
from helpers.course import lessons
from helpers.course.exercise import (
    CHECK,
    SOLUTION,
    STUB,
    tags_of,
    with_solutions,
    without_solutions,
)


def _notebooks() -> Path:
    """Return the directory of the lessons: this checkout's, or the installed ones."""
    parents = Path(__file__).resolve().parents
    wheel = [above / "share" / PROGRAM for above in parents if INSTALLED]
    return next((place for place in wheel if place.is_dir()), parents[2] / "notebooks")


NOTEBOOKS = _notebooks()
#: where the lessons of a language are, from the directory of the notebooks
EDITIONS = ("", "ko")
STUDENT, TEACHER = "student", "teacher"


def export(directory: Path, own: Iterable[Path] = ()) -> None:
    """Write `student/` and `teacher/` into a new or empty directory.

    Both get the lessons of the course, and a teacher's `own`. Raise LabError without
    notebooks, for a directory that is not empty, or for a file that is no lesson.
    """
    if not all((NOTEBOOKS / lesson.path).exists() for lesson in lessons()):
        raise errors.LabError(
            "There are no notebooks here to export.",
            "Run it in a checkout, or install the package again.",
        )
    notebooks = {path: load(path) for path in paths()}
    for file in own:
        if Path(file.name) in notebooks:
            raise errors.LabError(
                f"{file}: there is a lesson {file.name} already.",
                "Give yours another name.",
            )
        notebooks[Path(file.name)] = _load_own(file)
    _demand_empty(directory)
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


def _load_own(file: Path) -> dict:
    """Return a teacher's notebook; raise LabError if it is none, or not complete."""
    hint = "`.venv/bin/kapi template NEW.ipynb` writes a lesson to begin with."
    try:
        notebook = json.loads(file.read_text("utf-8"))
        tags = [tag for cell in notebook["cells"] for tag in tags_of(cell)]
    except OSError as error:
        raise errors.LabError(f"{file}: {error.strerror}.", hint) from None
    except (ValueError, LookupError, TypeError, AttributeError):
        raise errors.LabError(f"{file} is not a notebook.", hint) from None
    counts = {tag: tags.count(tag) for tag in (STUB, CHECK, SOLUTION)}
    if len({*counts.values()}) > 1:
        found = ", ".join(f"{count} × {tag}" for tag, count in counts.items())
        raise errors.LabError(
            f"{file}: an exercise has three cells, with the tags {STUB}, {CHECK} and "
            f"{SOLUTION}; here are {found}.",
            "Set them in JupyterLab's *Property Inspector*.",
        )
    return notebook


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
