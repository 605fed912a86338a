"""Rules on the code of a page: how long, what imports, what asserts."""

import ast
import re
from collections.abc import Iterator
from statistics import median

from tests.style.page import Cell, Fault, Page

#: As the conventions count them: lines that hold something.
MEDIAN, LONG, IN_A_ROW = 7, 12, 2
GROUP = {"exercise", "check"}
#: At the start of a command: `-- sleep infinity` is what a pod does all day.
SLEEPS = re.compile(r"\btime\.sleep\(|(^|[;&|!]|\b(do|then))\s*sleep \d", re.M)
#: Where the last exception is kept: `sys.last_value`, since 3.12 `sys.last_exc`.
LAST = re.compile(r"\blast_(value|exc|type)\b")


def short_cells(page: Page) -> Iterator[Fault]:
    """Demand one idea per cell: a low median, and a tag on what is long."""
    lengths = [len(cell.lines) for cell in page.code]
    if lengths and median(lengths) > MEDIAN:
        yield "code", f"the median cell has {median(lengths):g} lines, not {MEDIAN}"
    for cell in page.code:
        is_long, tagged = len(cell.lines) > LONG, "long" in cell.tags
        if is_long and not tagged:
            yield cell.id, f"{len(cell.lines)} lines; above {LONG} needs the tag 'long'"
        if tagged and not is_long:
            yield cell.id, f"tagged 'long' with {len(cell.lines)} lines"


def code_in_a_row(page: Page) -> Iterator[Fault]:
    """Allow two code cells in a row, and the cells of an exercise as a group."""
    for is_code, cells in page.runs():
        row: list[Cell] = []
        for cell in cells if is_code else ():
            row = [] if GROUP & set(cell.tags) else [*row, cell]
            if len(row) == IN_A_ROW + 1:
                yield cell.id, f"more than {IN_A_ROW} code cells in a row"


def one_door(page: Page) -> Iterator[Fault]:
    """Demand that helpers come from the package, not from its modules."""
    for cell in page.code:
        for node in cell.nodes(ast.ImportFrom):
            if (node.module or "").startswith(("helpers.", "cluster")):
                yield cell.id, f"imports from {node.module}, not from helpers"


def one_word_for_a_code(page: Page) -> Iterator[Fault]:
    """Demand `status` of an answer; what `requests.get` returns has its own word."""
    for cell in page.code:
        for node in cell.nodes(ast.Attribute):
            if node.attr == "status_code" and "requests." not in ast.unparse(node):
                yield cell.id, f"write `status`, not {ast.unparse(node)}"


def no_sleep(page: Page) -> Iterator[Fault]:
    """Refuse waiting for time instead of a condition; a pod may sleep."""
    for cell in page.code:
        if SLEEPS.search(cell.source):
            yield cell.id, "sleeps; wait for a condition with a timeout"


def ends_with_a_value(page: Page) -> Iterator[Fault]:
    """Refuse print of a value: a cell ends with it, and print is for a sentence."""
    for cell in page.code:
        last = cell.tree.body[-1] if cell.tree and cell.tree.body else None
        if not (isinstance(last, ast.Expr) and isinstance(last.value, ast.Call)):
            continue
        call = last.value
        if isinstance(call.func, ast.Name) and call.func.id == "print":
            if not any(_is_text(argument) for argument in call.args):
                yield cell.id, "ends with print; end with the value itself"


def asserts(page: Page) -> Iterator[Fault]:
    """Demand an assert in every section with code."""
    for title, cells in page.sections():
        code = [cell for cell in cells if cell.is_code]
        # A check fails by itself.
        if not code or any("check" in cell.tags for cell in code):
            continue
        if not any(cell.proves for cell in code):
            yield code[0].id, f"no assert in section {title!r}"


def raises_then_asserts(page: Page) -> Iterator[Fault]:
    """Demand proof of a raise: the tag says only that the cell may raise."""
    for cell in page.code:
        if "raises-exception" not in cell.tags:
            continue
        after = page.next_code(cell)
        tests = [ast.unparse(node.test) for node in after.asserts] if after else []
        if not any(LAST.search(test) for test in tests):
            yield cell.id, "the next code cell does not assert on sys.last_value"


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


RULES = (
    short_cells,
    code_in_a_row,
    one_door,
    one_word_for_a_code,
    no_sleep,
    ends_with_a_value,
    asserts,
    raises_then_asserts,
)
