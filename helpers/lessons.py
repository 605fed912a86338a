"""Read exercises out of notebooks, given as parsed JSON; nothing is run or written.

An exercise is a stub, a check and a solution, in this order. The solution is Markdown,
so that Shift+Enter and *Run All* pass it by; the suite runs it in place of the stub.
"""

import copy
import re
from typing import TypeVar

STUB, CHECK, SOLUTION = "exercise", "check", "solution"
#: parsed JSON, or what nbformat makes of it
Notebook = TypeVar("Notebook", bound=dict)
_FENCED = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def tagged(cell: dict, tag: str) -> bool:
    """Say whether a cell has a tag."""
    return tag in cell["metadata"].get("tags", ())


def code_of(solution: dict) -> str:
    """Return the code in a solution's cell: all that is fenced in it."""
    text = "".join(solution["source"])
    return "\n".join(block.rstrip("\n") for block in _FENCED.findall(text))


def solved(notebook: Notebook) -> Notebook:
    """Return the notebook with each solution's code in the place of its stub."""
    done = copy.deepcopy(notebook)
    stubs = [cell for cell in done["cells"] if tagged(cell, STUB)]
    solutions = [cell for cell in done["cells"] if tagged(cell, SOLUTION)]
    for stub, solution in zip(stubs, solutions, strict=True):
        stub["source"] = code_of(solution)
    return done


def without_solutions(notebook: dict) -> dict:
    """Return the notebook as a teacher hands it out."""
    left = [cell for cell in notebook["cells"] if not tagged(cell, SOLUTION)]
    return copy.deepcopy(notebook | {"cells": left})
