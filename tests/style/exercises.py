"""Rules on exercises: task, hint, stub, check, solution, in this order."""

import ast
import re
from collections.abc import Iterator

from helpers.course.exercise import CHECK, HINT, SOLUTION, STUB, TASK
from tests.style.page import Cell, Fault, Page


def exercise_groups(page: Page) -> Iterator[Fault]:
    """Demand stub, check and folded solution in this order, the last as neighbours."""
    expected, before = None, None
    for cell in page.cells:
        parts = (STUB, CHECK) if cell.is_code else (SOLUTION,)
        part = next((tag for tag in parts if tag in cell.tags), None)
        if expected and part and part != expected:
            yield cell.id, f"the {expected} of the exercise above is missing"
        elif not expected and part in (CHECK, SOLUTION):
            yield cell.id, f"a {part} without its exercise"
        if part == SOLUTION and before and before.position != cell.position - 1:
            yield cell.id, "the solution does not follow its check"
        if part == SOLUTION and not cell.source.startswith("<details>"):
            yield cell.id, "a solution is not folded (<details>)"
        if part:
            expected, before = {STUB: CHECK, CHECK: SOLUTION}.get(part), cell
    if expected:
        yield page.cells[-1].id, f"the {expected} of the exercise is missing"


def exercise_task(page: Page) -> Iterator[Fault]:
    """Demand a task with a heading, and a hint directly above the stub."""
    prose: list[Cell] = []
    for cell in page.cells:
        if STUB in cell.tags:
            if not any(part.headings and TASK in part.tags for part in prose):
                yield cell.id, "no heading with the tag 'task' above the stub"
            if not prose or HINT not in prose[-1].tags:
                yield cell.id, "no cell with the tag 'hint' between task and stub"
        prose = [] if cell.is_code else [*prose, cell]


def check_tells(page: Page) -> Iterator[Fault]:
    """Demand that a check imports `checks` and ends in one, which says what to fix."""
    for cell in page.code:
        if CHECK not in cell.tags:
            continue
        if not check_of(cell):
            yield cell.id, "a check does not end in checks.NAME(...)"
        # A learner who skips the exercise before it has not run that one's import.
        if "from helpers import checks" not in cell.source:
            yield cell.id, "a check does not import checks"


def check_of(cell: Cell) -> str:
    """Return the name of the check that a cell asks at its end, or nothing."""
    last = ast.unparse(cell.tree.body[-1]) if cell.tree and cell.tree.body else ""
    found = re.match(r"checks\.(\w+)\(", last)
    return found[1] if found else ""


RULES = (exercise_groups, exercise_task, check_tells)
