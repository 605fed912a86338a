"""Write one page with all exercises: task, solution, and what the check says.

What a check says is read from its source: nothing is run.
"""

import ast
import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from helpers.course import Lesson
from helpers.lessons import CHECK, SOLUTION, STUB, code_of, tagged

CHECKS = Path(__file__).parent / "checks"
_CALLED = re.compile(r"\bchecks\.(\w+)\(")
_HEADING = re.compile(r"#+ .*\bExercise\b")
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


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
        "check wants, and the sentences that it answers with. What is in braces is "
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
            yield Exercise(
                called[1] if called else cell["id"], asked, code_of(next(solutions))
            )
        elif cell["cell_type"] == "markdown" and not tagged(cell, SOLUTION):
            if _HEADING.match(text):
                task = [text.rstrip()]
            elif task:
                task.append(text.rstrip())


def wants(lesson: Lesson, name: str) -> str:
    """Return the first paragraph of a check's docstring, or ""."""
    found = _functions(_module(lesson)).get(name)
    whole = ast.get_docstring(found) if found else None
    return " ".join((whole or "").partition("\n\n")[0].split())


def diagnoses(lesson: Lesson, name: str) -> list[str]:
    """Return the sentences with which a check refuses an answer, each once."""
    return list(dict.fromkeys(_refusals(_module(lesson), name, set())))


def _section(lesson: Lesson, exercise: Exercise) -> list[str]:
    # The headings of the notebook become those of this page.
    task = re.sub(r"^#+ ", "### ", exercise.task, count=1)
    parts = [task, "**Solution**", f"```python\n{exercise.solution}\n```"]
    if wanted := wants(lesson, exercise.name):
        parts.append(f"**The check** `{exercise.name}`: {wanted}")
    if said := diagnoses(lesson, exercise.name):
        parts.append("\n".join(f"- {sentence}" for sentence in said))
    return parts


def _module(lesson: Lesson) -> Path:
    return CHECKS / f"{lesson.topic.replace('-', '_')}.py"


@functools.cache
def _functions(module: Path) -> dict[str, ast.FunctionDef]:
    """Return the functions of a module, by name; none if there is no such file."""
    if not module.exists():
        return {}
    tree = ast.parse(module.read_text("utf-8"))
    return {each.name: each for each in tree.body if isinstance(each, ast.FunctionDef)}


def _refusals(module: Path, name: str, seen: set[str]) -> Iterator[str]:
    """Yield the sentences of a function, and of those of its module that it calls."""
    found = _functions(module).get(name)
    if found is None or name in seen:
        return
    seen.add(name)
    for node in _in_order(found):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func).rpartition(".")[2]
            if called == "NotSolved" and node.args:
                yield from _sentences(node.args[0])
            elif isinstance(node.func, ast.Name):
                yield from _refusals(module, called, seen)
        elif isinstance(node, ast.Return) and _tells(found) and node.value:
            yield from _sentences(node.value)


def _in_order(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what is below a node in the order of the source."""
    for child in ast.iter_child_nodes(node):
        yield child
        yield from _in_order(child)


def _tells(function: ast.FunctionDef) -> bool:
    """Say whether a function returns what is wrong: its docstring ends so."""
    whole = ast.get_docstring(function) or ""
    return 'or ""' in whole or "wrong" in whole


def _sentences(node: ast.expr) -> Iterator[str]:
    """Yield the texts that an expression may be, braces around what is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        if node.value:
            yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(
            str(part.value) if isinstance(part, ast.Constant) else _hole(part)
            for part in node.values
        )
    elif isinstance(node, ast.IfExp):
        yield from _sentences(node.body)
        yield from _sentences(node.orelse)


def _hole(part: ast.expr) -> str:
    value = part.value if isinstance(part, ast.FormattedValue) else part
    return "{" + ast.unparse(value) + "}"
