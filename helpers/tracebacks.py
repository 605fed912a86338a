"""Show a cell's error in one line where that is enough, and without tokens.

A cell's own `assert` tells what it compared.
"""

import ast
import socket
import sys
from typing import TYPE_CHECKING, Any

from helpers import needs
from helpers.errors import without_tokens
from helpers.language import mark, say
from helpers.status import find_status

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

#: characters of a value that are shown
_WIDTH = 100
_MESSAGE = f"__import__('{__name__}', fromlist=['assert_message']).assert_message"


def shorten(notebook: "InteractiveShell") -> None:
    """Make a kernel show errors so; a second call does nothing."""
    if any(
        isinstance(transformer, _Asserts) for transformer in notebook.ast_transformers
    ):
        return
    notebook.ast_transformers.append(_Asserts())
    show = notebook._showtraceback

    def show_in_short(kind: type, error: BaseException, lines: list[str]) -> None:
        line = _short_message(error, notebook.user_global_ns)
        if lack := needs.unmet_need(needs.tags_of_cell(notebook)):
            line = f"{line or error}\n{lack}"
        text = without_tokens(line or str(error))
        lines = [f"{kind.__name__}: {text}"] if line else [*map(without_tokens, lines)]
        # IPython takes only the text of the error, so the text will do.
        show(kind, text, lines)

    notebook._showtraceback = show_in_short


def assert_message(claim: str, operator: str, left: object, right: object) -> str:
    """Return the message of an `assert LEFT OPERATOR RIGHT` that failed."""
    values = f"{_cut(left)} {operator} {_cut(right)}"
    return say("`{claim}` is false: `{values}`.", claim=claim, values=values)


def _cut(value: object) -> str:
    text = without_tokens(" ".join(repr(value).split()))
    return text if len(text) <= _WIDTH else f"{text[:_WIDTH]}…"


class _Asserts(ast.NodeTransformer):
    """Give asserts without a message one: the claim, with the values if it compares."""

    def visit_Assert(self, node: ast.Assert) -> ast.Assert:
        test, claim = node.test, ast.unparse(node.test)
        if node.msg is None and isinstance(test, ast.Compare) and len(test.ops) == 1:
            blanks = ast.Compare(ast.Name("_"), test.ops, [ast.Name("_")])
            operator = ast.unparse(blanks).strip("_ ")
            test.left = ast.NamedExpr(ast.Name("_left", ast.Store()), test.left)
            kept = ast.NamedExpr(ast.Name("_right", ast.Store()), *test.comparators)
            test.comparators = [kept]
            call = f"{_MESSAGE}({claim!r}, {operator!r}, _left, _right)"
            node.msg = ast.parse(call, mode="eval").body
        elif node.msg is None:
            node.msg = ast.Constant(say("`{claim}` is false.", claim=claim))
        return node


def _short_message(error: Any, names: dict) -> str:
    """Return all that there is to say of an error, or "" if a traceback says more.

    `names` are those of the notebook: it has no need of a traceback to its own assert.
    """
    if isinstance(error, KeyboardInterrupt):
        return say("This cell was stopped.")
    if isinstance(error, AssertionError):
        is_own = _is_raised_by(names, error)
        return " ".join(str(error).split()) if is_own else ""
    if type(error).__module__.startswith("kubernetes.") and hasattr(error, "body"):
        status = find_status(str(error.body)) or {}
        words = f"{error.status} {error.reason}: {status.get('message', '')}"
        return words.rstrip(": ")
    if type(error).__name__ == "StdinNotImplementedError":
        return say("Nobody can answer `input()` here: write the value into the cell.")
    if sys.platform == "emscripten" and not _is_raised_by(names, error):
        if unknown := _unknown_name(error):
            text = mark("{error}: this tab's cluster reaches no host but its own.")
            return say(text, error=unknown)
    return ""


def _is_raised_by(names: dict, error: BaseException) -> bool:
    """Return whether code with these global names has raised an error itself."""
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    return place is not None and place.tb_frame.f_globals is names


def _unknown_name(error: BaseException | None) -> BaseException | None:
    """Return the error of a name without an address, if that is an error's cause."""
    while error and not isinstance(error, socket.gaierror):
        error = error.__cause__ or error.__context__
    return error
