"""Rules on the code of a page: what stands alone, waits, asserts, hides failures."""

import ast
import itertools
import re
from collections.abc import Iterator

from tests.style.page import Cell, Fault, Page

IN_A_ROW = 2
GROUP = {"exercise", "check"}
#: At the start of a command: `-- sleep infinity` is what a pod does all day.
SLEEPS = re.compile(r"\btime\.sleep\(|(^|[;&|!]|\b(do|then))\s*sleep \d", re.M)
#: Where the last exception is kept: `sys.last_value`, since 3.12 `sys.last_exc`.
LAST = re.compile(r"\blast_(value|exc|type)\b")
BANG = re.compile(r"^\s*!", re.MULTILINE)
CAPTURED = re.compile(r"^\s*(\w+)\s*=\s*!", re.MULTILINE)


def code_in_a_row(page: Page) -> Iterator[Fault]:
    """Allow two code cells in a row, and the cells of an exercise as a group."""
    row = 0
    for cell in page.cells:
        row = row + 1 if cell.is_code and not GROUP & {*cell.tags} else 0
        if row == IN_A_ROW + 1:
            yield cell.id, f"more than {IN_A_ROW} code cells in a row"


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


def asserts(page: Page) -> Iterator[Fault]:
    """Demand an assert, or a check, in every section with code."""
    sections: list[list[Cell]] = [[]]
    for cell in page.cells:
        if any(level == 2 for level, _ in cell.headings):
            sections.append([])
        sections[-1] += [cell] if cell.is_code else []
    for code in filter(None, sections):
        if not any("check" in c.tags or c.proves for c in code):
            yield code[0].id, "no assert in its section"


def raises_then_asserts(page: Page) -> Iterator[Fault]:
    """Demand proof of a raise: the tag says only that the cell may raise."""
    for cell, after in itertools.pairwise(page.code):
        proven = LAST.search(" ".join(after.tests))
        if "raises-exception" in cell.tags and not proven:
            yield cell.id, "the next code cell does not assert on sys.last_value"


def one_magic(page: Page) -> Iterator[Fault]:
    """Demand `%%sh`, the suite's own, which fails without options on the page."""
    for cell in page.code:
        if cell.magic in ("bash", "script", "system", "sx"):
            yield cell.id, f"%%{cell.magic}: write %%sh"
        elif "set -euo pipefail" in cell.source:
            yield cell.id, "%%sh has these options already"


def exit_codes(page: Page) -> Iterator[Fault]:
    """Demand `!` for a command that is to fail alone, with an assert on how it did."""
    for cell in page.code:
        tests = " ".join(cell.tests)
        shell = "" if cell.magic else cell.source
        if BANG.search(shell) and "_exit_code" not in tests:
            yield cell.id, "`!cmd` hides failure: write %%sh, or assert _exit_code"
        if re.search(r"_exit_code == 0\b", tests):
            yield cell.id, "write %%sh: it fails by itself"
        for name in CAPTURED.findall(shell):
            if not re.search(rf"\b{name}\b", tests):
                yield cell.id, f"`{name} = !cmd` hides failure: assert on {name}"


RULES = (
    code_in_a_row,
    one_word_for_a_code,
    no_sleep,
    asserts,
    raises_then_asserts,
    one_magic,
    exit_codes,
)
