"""Rules on shell cells, which hide failures unless they are told not to."""

import ast
import re
from collections.abc import Iterator

from tests.style.page import Cell, Fault, Page

STRICT = "set -euo pipefail"
BANG = re.compile(r"^\s*!", re.MULTILINE)
CAPTURED = re.compile(r"^\s*(\w+)\s*=\s*!", re.MULTILINE)


def strict_bash(page: Page) -> Iterator[Fault]:
    """Demand that more than one line of bash stops at the first failure."""
    for cell in page.code:
        if cell.magic in ("sh", "script", "system", "sx"):
            yield cell.id, f"%%{cell.magic}: write %%bash"
        commands = [line for line in cell.lines[1:] if not line.startswith("#")]
        if cell.magic == "bash" and len(commands) > 1 and commands[0] != STRICT:
            yield cell.id, f"bash of several lines does not begin with {STRICT!r}"


def exit_codes(page: Page) -> Iterator[Fault]:
    """Demand an assert on what `!` did: by itself it never fails a cell."""
    for cell in page.code:
        after = page.next_code(cell)
        near = [cell] if after is None else [cell, after]
        tests = " ".join(ast.unparse(node.test) for c in near for node in c.asserts)
        if _shouts(cell) and "_exit_code" not in tests:
            yield cell.id, "`!cmd` hides failure: assert _exit_code here or below"
        for name in CAPTURED.findall("" if cell.magic else cell.source):
            if not re.search(rf"\b{name}\b", tests):
                yield cell.id, f"`{name} = !cmd` hides failure: assert on {name}"


def one_shell(page: Page) -> Iterator[Fault]:
    """Refuse `!` and `%%bash` in one notebook: they treat stderr differently."""
    bash = [cell for cell in page.code if cell.magic == "bash"]
    shouts = [cell for cell in page.code if _shouts(cell)]
    if bash and shouts:
        yield shouts[0].id, f"uses `!`, but {bash[0].id!r} uses %%bash; choose one"


def _shouts(cell: Cell) -> bool:
    return not cell.magic and bool(BANG.search(cell.source))


RULES = (strict_bash, exit_codes, one_shell)
