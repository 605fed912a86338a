"""Write one page with all exercises: task, solution, and what the check says.

Pure: it takes parsed notebooks, and reads checks as `helpers.diagnoses` does.
"""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from helpers.course import Lesson
from helpers.diagnoses import diagnoses, wants
from helpers.exercise import CHECK, SOLUTION, STUB, TASK, tagged

CHECKS = Path(__file__).parent / "checks"
_CALLED = re.compile(r"\bchecks\.(\w+)\(")
_FOLD = re.compile(r"</?details>|<summary>.*?</summary>", re.DOTALL)
_CODE = re.compile(r"(^```.*?^```$|`[^`\n]+`)", re.MULTILINE | re.DOTALL)
#: a link or a picture that is beside the notebook
_BESIDE = re.compile(r"\]\((?![a-z]+:|#)([^)]+)\)")


@dataclass(frozen=True)
class Exercise:
    """One exercise of a notebook; `name` is that of its check."""

    name: str
    task: str
    solution: str


def page(notebooks: Iterable[tuple[Lesson, dict]]) -> str:
    """Return the page, as Markdown, for the parsed notebooks of lessons; pure."""
    parts = [
        "# Answers",
        "All exercises in the order of the lessons: the task, the solution, what the "
        "check wants, and the sentences that it reports. What is in braces is "
        "filled in when the check runs.",
    ]
    for lesson, notebook in notebooks:
        found = list(exercises(notebook))
        if found:
            parts.append(f"## {lesson.name}: {lesson.title}")
        for each in found:
            parts += _section(lesson, each)
    return "\n\n".join(parts) + "\n"


def exercises(notebook: dict) -> Iterator[Exercise]:
    """Yield the exercises of a notebook, in its order."""
    task: list[str] = []
    solutions = iter([cell for cell in notebook["cells"] if tagged(cell, SOLUTION)])
    asked = ""
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if tagged(cell, STUB):
            asked, task = "\n\n".join(task), []
        elif tagged(cell, CHECK):
            called = _CALLED.search(text)
            solution = _FOLD.sub("", "".join(next(solutions)["source"])).strip()
            yield Exercise(called[1] if called else cell["id"], asked, solution)
        elif cell["cell_type"] == "markdown" and not tagged(cell, SOLUTION):
            if tagged(cell, TASK):
                task = [text.rstrip()]
            elif task:
                task.append(text.rstrip())


def _section(lesson: Lesson, exercise: Exercise) -> list[str]:
    # The headings of the notebook become those of this page.
    task = re.sub(r"^#+ ", "### ", exercise.task, count=1)
    parts = [_from_here(lesson, task), "**Solution**"]
    parts.append(_from_here(lesson, exercise.solution))
    module = CHECKS / f"{lesson.topic.replace('-', '_')}.py"
    if wanted := wants(module, exercise.name):
        parts.append(f"**The check** `{exercise.name}`: {wanted}")
    if said := diagnoses(module, exercise.name):
        parts.append("\n".join(f"- {sentence}" for sentence in said))
    return parts


def _from_here(lesson: Lesson, text: str) -> str:
    """Let the links of a cell lead to what lies in `student/`, beside this page."""
    folder = PurePosixPath("student", *lesson.path.parent.parts)
    parts = _CODE.split(text)
    # Every other part is code, in which brackets are no link.
    parts[::2] = [
        _BESIDE.sub(lambda link: f"]({os.path.normpath(folder / link[1])})", part)
        for part in parts[::2]
    ]
    return "".join(parts)
