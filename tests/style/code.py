"""Rules on the Python of a page: how long, what imports, what asserts."""

import ast
import re
from collections.abc import Iterator
from statistics import median

from tests.style.page import Cell, Fault, Page
from tools.steps import first_assertion

#: As the conventions count them: lines that hold something.
MEDIAN, LONG, IN_A_ROW = 7, 12, 2
OURS = ("cluster", "helpers")
GROUP = {"exercise", "check"}
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


def imports_where_needed(page: Page) -> Iterator[Fault]:
    """Demand that the cell that imports a name uses it."""
    for cell in page.code:
        # A stub may give the learner what the answer needs.
        if "exercise" in cell.tags:
            continue
        # Names in strings count: `!kubectl get {name}` is a string to Python.
        strings = [
            n.value for n in cell.nodes(ast.Constant) if isinstance(n.value, str)
        ]
        used = {node.id for node in cell.nodes(ast.Name)}
        used |= {word for text in strings for word in re.findall(r"\w+", text)}
        for node in cell.nodes(ast.Import, ast.ImportFrom):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                if name != "*" and name not in used:
                    yield cell.id, f"imports {name!r} and does not use it"


def one_door(page: Page) -> Iterator[Fault]:
    """Demand that helpers come by name from the package, not from its modules."""
    for cell in page.code:
        for node in cell.nodes(ast.Import, ast.ImportFrom):
            if isinstance(node, ast.ImportFrom):
                if (node.module or "").startswith(("helpers.", "cluster")):
                    yield cell.id, f"imports from {node.module}, not from helpers"
                if any(alias.name == "*" for alias in node.names):
                    yield cell.id, f"imports everything from {node.module}"
            elif any(alias.name.split(".")[0] in OURS for alias in node.names):
                yield cell.id, "write `from helpers import ...`"


def one_word_for_a_code(page: Page) -> Iterator[Fault]:
    """Demand `status` of an answer; what `requests.get` returns has its own word."""
    for cell in page.code:
        for node in cell.nodes(ast.Attribute):
            if node.attr == "status_code" and "requests." not in ast.unparse(node):
                yield cell.id, f"write `status`, not {ast.unparse(node)}"


def no_makeshift(page: Page) -> Iterator[Fault]:
    """Refuse sys.path and installing from a cell."""
    for cell in page.code:
        if "sys.path" in cell.source:
            yield cell.id, "sys.path: the package is installed, import it"
        if re.search(r"\b(pip3?|conda|apt-get)\s+install\b", cell.source):
            yield cell.id, "installs software: that is what `make setup` does"


def no_sleep(page: Page) -> Iterator[Fault]:
    """Refuse waiting for time instead of a condition; a pod may sleep."""
    for cell in page.code:
        calls = [node.func for node in cell.nodes(ast.Call)]
        names = [getattr(f, "attr", getattr(f, "id", "")) for f in calls]
        if "sleep" in names or _sleeps_in_shell(cell):
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
    """Demand an assert in every section with code, and that it can fail."""
    for title, cells in page.sections():
        code = [cell for cell in cells if cell.is_code]
        # A check fails by itself.
        if not code or any("check" in cell.tags for cell in code):
            continue
        if not any(first_assertion(cell.source) for cell in code):
            yield code[0].id, f"no assert in section {title!r}"
    for cell in page.code:
        for node in cell.asserts:
            if _cannot_fail(node.test):
                yield cell.id, f"cannot fail: assert {ast.unparse(node.test)[:40]}"


def raises_then_asserts(page: Page) -> Iterator[Fault]:
    """Demand proof of a raise: the tag says only that the cell may raise."""
    for cell in page.code:
        if "raises-exception" not in cell.tags:
            continue
        after = page.next_code(cell)
        tests = [ast.unparse(node.test) for node in after.asserts] if after else []
        if not any(LAST.search(test) for test in tests):
            yield cell.id, "the next code cell does not assert on sys.last_value"


def _sleeps_in_shell(cell: Cell) -> bool:
    # At the start of a command: `-- sleep infinity` is what a pod does all day.
    shell = cell.source.splitlines() if cell.magic else []
    shell += [line for line in cell.source.splitlines() if "!" in line[:20]]
    command = re.compile(r"(^\s*!?|[;&|=]\s*!?|\b(do|then)\s+)\s*sleep\s+[\d.]+")
    return any(command.search(line) for line in shell)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _cannot_fail(test: ast.expr) -> bool:
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if isinstance(test, ast.Tuple | ast.List | ast.Set):
        return bool(test.elts)
    if isinstance(test, ast.JoinedStr | ast.Lambda):
        return True
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        same = ast.dump(test.left) == ast.dump(test.comparators[0])
        return same and isinstance(test.ops[0], ast.Eq | ast.Is | ast.LtE | ast.GtE)
    return False


RULES = (
    short_cells,
    code_in_a_row,
    imports_where_needed,
    one_door,
    one_word_for_a_code,
    no_makeshift,
    no_sleep,
    ends_with_a_value,
    asserts,
    raises_then_asserts,
)
