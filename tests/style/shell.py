"""Rules on shell cells, which hide failures unless they are told not to."""

import ast
import re
from collections.abc import Iterator

from tests.style.page import Cell, Fault, Page

BANG = re.compile(r"^\s*!", re.MULTILINE)
CAPTURED = re.compile(r"^\s*(\w+)\s*=\s*!", re.MULTILINE)


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
        tests = " ".join(ast.unparse(node.test) for node in cell.asserts)
        if _shouts(cell) and "_exit_code" not in tests:
            yield cell.id, "`!cmd` hides failure: write %%sh, or assert _exit_code"
        if re.search(r"_exit_code == 0\b", tests):
            yield cell.id, "write %%sh: it fails by itself"
        for name in CAPTURED.findall("" if cell.magic else cell.source):
            if not re.search(rf"\b{name}\b", tests):
                yield cell.id, f"`{name} = !cmd` hides failure: assert on {name}"


def _shouts(cell: Cell) -> bool:
    return not cell.magic and bool(BANG.search(cell.source))


RULES = (one_magic, exit_codes)
