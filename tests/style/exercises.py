"""Rules on exercises: task, hint, stub, solution, check, in this order."""

import ast
from collections.abc import Iterator

from tests.style.code import GROUP
from tests.style.page import Cell, Fault, Page
from tests.style.prose import is_exercise_heading


def exercise_groups(page: Page) -> Iterator[Fault]:
    """Demand stub, solution and check as neighbours, each with one part to play."""
    expected = None
    for cell in page.code:
        parts = GROUP & set(cell.tags)
        if len(parts) > 1:
            yield cell.id, f"is {' and '.join(sorted(parts))} at once"
        part = min(parts, default=None)
        if expected and part != expected:
            yield cell.id, f"the {expected} of the exercise above is missing"
        elif not expected and part in ("solution", "check"):
            yield cell.id, f"a {part} without its exercise"
        expected = {"exercise": "solution", "solution": "check"}.get(part)
    if expected:
        yield page.code[-1].id, f"the {expected} of the exercise is missing"


def exercise_task(page: Page) -> Iterator[Fault]:
    """Demand a heading with the word Exercise, and below it a hint, as two cells."""
    for cell in page.code:
        if "exercise" not in cell.tags:
            continue
        prose = _prose_above(page, cell)
        if not any(is_exercise_heading(part) for part in prose):
            yield cell.id, "no heading with the word 'Exercise' above the stub"
        if len(prose) < 2 or "hint" not in prose[-1].source.lower():
            yield cell.id, "no cell with a hint between the task and the stub"


def folded_solution(page: Page) -> Iterator[Fault]:
    """Demand that a solution is folded: `jupyter.source_hidden` survives stripping.

    JupyterLab still shows the first line of a folded cell: it must not be the answer.
    """
    for cell in page.code:
        if "solution" not in cell.tags:
            continue
        if not cell.metadata.get("jupyter"):
            yield cell.id, "a solution is not folded (jupyter.source_hidden)"
        if cell.lines and not cell.lines[0].startswith(("#", "%%")):
            yield cell.id, "the first line of a folded solution shows: write a comment"


def check_tells(page: Page) -> Iterator[Fault]:
    """Demand that a check ends in an assert that says where to look."""
    for cell in page.code:
        if "check" not in cell.tags:
            continue
        last = cell.tree.body[-1] if cell.tree and cell.tree.body else None
        if not isinstance(last, ast.Assert):
            yield cell.id, "a check does not end in an assert"
        elif last.msg is None:
            yield cell.id, "the last assert of a check does not say where to look"


def _prose_above(page: Page, cell: Cell) -> list[Cell]:
    prose: list[Cell] = []
    above = page.above(cell)
    while above is not None and not above.is_code:
        prose.insert(0, above)
        above = page.above(above)
    return prose


RULES = (exercise_groups, exercise_task, folded_solution, check_tells)
