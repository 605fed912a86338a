"""Read from the source of a check what it wants, and what it says to a wrong answer.

Nothing is run. Texts that are put together are shown with braces around what is filled
in; what is made in a way that is not followed here is left out.
"""

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HELPERS = Path(__file__).parent
_RAISED = "NotSolved"


@dataclass(frozen=True)
class _Place:
    """A function of a module, whose names are looked up there."""

    module: Path
    function: ast.FunctionDef


def wants(module: Path, name: str) -> str:
    """Return the first paragraph of a check's docstring, or ""."""
    place = _find(module, name)
    whole = ast.get_docstring(place.function) if place else None
    return " ".join((whole or "").partition("\n\n")[0].split())


def diagnoses(module: Path, name: str) -> list[str]:
    """Return the sentences with which a check refuses an answer, each once."""
    place = _find(module, name)
    return list(dict.fromkeys(_refusals(place, set()))) if place else []


def _refusals(place: _Place, seen: set[str]) -> Iterator[str]:
    """Yield what a function raises, and what the functions raise that it calls."""
    key = f"{place.module}:{place.function.name}"
    if key in seen:
        return
    seen.add(key)
    for node in _in_order(place.function):
        if not isinstance(node, ast.Call):
            continue
        if ast.unparse(node.func).rpartition(".")[2] == _RAISED and node.args:
            yield from _texts(node.args[0], place, set())
        elif called := _called(node, place):
            yield from _refusals(called, seen)


def _texts(node: ast.expr, place: _Place, seen: set[str]) -> Iterator[str]:
    """Yield the texts that an expression may be."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from filter(None, [node.value])
    elif isinstance(node, ast.JoinedStr):
        known = _constants(place.module)
        yield "".join(
            str(part.value) if isinstance(part, ast.Constant) else _hole(part, known)
            for part in node.values
        )
    elif isinstance(node, ast.IfExp | ast.BoolOp):
        parts = (
            node.values if isinstance(node, ast.BoolOp) else [node.body, node.orelse]
        )
        for part in parts:
            yield from _texts(part, place, seen)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        for text in _texts(node.left, place, seen):
            yield text + "{…}"
    elif isinstance(node, ast.Name):
        yield from _texts_of_name(node.id, place, seen)
    elif isinstance(node, ast.Call) and (called := _called(node, place)):
        yield from _texts_of_returns(called, seen)


def _texts_of_name(name: str, place: _Place, seen: set[str]) -> Iterator[str]:
    key = f"{place.module}:{place.function.name}:{name}"
    if key in seen:
        return
    seen.add(key)
    for node in _in_order(place.function):
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.NamedExpr | ast.AnnAssign) and node.value:
            targets, value = [node.target], node.value
        else:
            continue
        if name in map(ast.unparse, targets):
            yield from _texts(value, place, seen)


def _texts_of_returns(place: _Place, seen: set[str]) -> Iterator[str]:
    key = f"{place.module}:{place.function.name}:"
    if key in seen:
        return
    seen.add(key)
    for node in _in_order(place.function):
        if isinstance(node, ast.Return | ast.Yield) and node.value:
            yield from _texts(node.value, place, seen)


def _called(node: ast.Call, place: _Place) -> _Place | None:
    """Return the function of ours that is called by its name, or None."""
    if not isinstance(node.func, ast.Name):
        return None
    return _find(place.module, node.func.id)


@functools.cache
def _find(module: Path, name: str) -> _Place | None:
    """Return a function of a module, or of the helper that it is imported from."""
    for node in _tree(module).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return _Place(module, node)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "helpers."
        ):
            if name in [alias.name for alias in node.names]:
                parts = (node.module or "").split(".")[1:]
                return _find(HELPERS.joinpath(*parts).with_suffix(".py"), name)
    return None


@functools.cache
def _constants(module: Path) -> dict[str, str]:
    """Return the texts and numbers that a module gives a name."""
    found = {}
    for each in _tree(module).body:
        if isinstance(each, ast.Assign):
            pairs = [(each.targets[0], each.value)]
            if isinstance(each.targets[0], ast.Tuple) and isinstance(
                each.value, ast.Tuple
            ):
                pairs = list(zip(each.targets[0].elts, each.value.elts, strict=False))
            for target, value in pairs:
                if isinstance(value, ast.Constant):
                    found[ast.unparse(target)] = str(value.value)
    return found


@functools.cache
def _tree(module: Path) -> ast.Module:
    return ast.parse(module.read_text("utf-8") if module.exists() else "")


def _hole(part: ast.expr, known: dict[str, str]) -> str:
    """Return what a name means, or the name in braces; of longer code only braces."""
    value = part.value if isinstance(part, ast.FormattedValue) else part
    name = ast.unparse(value)
    if not isinstance(value, ast.Name | ast.Attribute):
        return "{…}"
    return known.get(name, f"{{{name}}}")


def _in_order(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what is below a node in the order of the source."""
    for child in ast.iter_child_nodes(node):
        yield child
        yield from _in_order(child)
