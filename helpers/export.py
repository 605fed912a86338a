"""Write what a teacher hands out, and what they keep: notebooks, pages, answers.

The notebooks themselves are read and never changed.
"""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from cluster.progress import Progress
from helpers import errors
from helpers.attempts import SETTING
from helpers.course import Lesson, lessons
from helpers.exercise import with_solutions, without_solutions

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
STUDENT, TEACHER, ANSWERS = "student", "teacher", "answers.md"


def export(directory: Path, progress: Progress, *, run: bool = True) -> list[str]:
    """Write `student/`, `teacher/` and `answers.md` into a new or empty directory.

    With `run` the pages for the teacher have outputs, and what went wrong in a
    notebook is returned, one sentence each. Raise LabError without notebooks, or for a
    directory that is not empty.
    """
    from helpers import answers

    _demand_notebooks()
    _demand_empty(directory)
    for lesson in lessons():
        text = json.dumps(without_solutions(load(lesson)), indent=1, ensure_ascii=False)
        _write(directory / STUDENT / lesson.path, f"{text}\n")
    for file in _beside():
        target = directory / STUDENT / file.relative_to(NOTEBOOKS)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    found = [(lesson, load(lesson)) for lesson in lessons()]
    _write(directory / ANSWERS, answers.page(found))
    return list(_teach(directory / TEACHER, progress, run=run))


def load(lesson: Lesson) -> dict:
    """Return the notebook of a lesson as parsed JSON."""
    return json.loads((NOTEBOOKS / lesson.path).read_text("utf-8"))


def _teach(target: Path, progress: Progress, *, run: bool) -> Iterator[str]:
    """Write the teacher's pages; yield what fails."""
    import nbformat

    from helpers import pages

    # What is run here is no learner's answer.
    os.environ[SETTING] = "off"
    for lesson in lessons():
        path = NOTEBOOKS / lesson.path
        notebook = with_solutions(nbformat.read(path, as_version=4))
        progress.update(lesson.name)
        if run:
            show = pages.steps(progress, lesson.name, len(notebook.cells))
            if fault := pages.execute(notebook, path.parent, show):
                yield f"{lesson.name}: {fault}"
        page = pages.html(notebook, lesson.name, path.parent)
        _write(target / lesson.path.with_suffix(".html"), page)
    write_texts(target)


def write_texts(target: Path) -> None:
    """Write the pages of what lessons lead to beside them, such as the glossary."""
    from helpers import pages

    for file in _beside():
        if file.suffix == ".md":
            name = file.relative_to(NOTEBOOKS).with_suffix(".html")
            _write(target / name, pages.html_of_markdown(file))


def _beside() -> Iterator[Path]:
    """Yield what belongs to the lessons and is none: pictures, the glossary."""
    yield from sorted(NOTEBOOKS.glob("*.md"))
    yield from sorted(file for file in NOTEBOOKS.glob("images/*") if file.is_file())


def _demand_notebooks() -> None:
    if not all((NOTEBOOKS / lesson.path).exists() for lesson in lessons()):
        raise errors.LabError(
            "There are no notebooks here to export.",
            "Run it in a checkout; the installed package has the helpers alone.",
        )


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


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
