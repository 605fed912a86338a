"""Refuse JSON that is nested too deep for a tab, where CPython's own limit is none.

The stack is JavaScript's: json's compiled scanner would end Python, and the cluster
with it, before Python notices.
"""

import itertools
import json
import re
from typing import Any

#: lists and objects in one another; the stack has room for some thousands
DEEPEST = 500
#: all but the brackets outside of strings
_REST = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[^][{}"]+', re.DOTALL)
_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1, '"': 0}


def is_deep(text: str) -> bool:
    """Return whether JSON has more than DEEPEST lists and objects in one another."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return False
    steps = map(_STEPS.__getitem__, _REST.sub("", text))
    return max(itertools.accumulate(steps), default=0) > DEEPEST


def install() -> None:
    """Let every decoder look first."""
    decoder: Any = json.JSONDecoder
    read = decoder.raw_decode

    def raw_decode(self: Any, s: str, idx: int = 0) -> tuple[Any, int]:
        if is_deep(s):
            raise RecursionError("maximum recursion depth exceeded while decoding JSON")
        return read(self, s, idx)

    decoder.raw_decode = raw_decode
