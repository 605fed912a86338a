"""Read the columns of `kubectl -o custom-columns`: their names, and paths of fields.

It knows no kinds; the schema says whether a field exists.
"""

import re
from collections.abc import Iterable, Mapping

from helpers import errors

#: `.name`, `['name']`, `[0]`, `[*]`; a dot in a name is escaped, as kubectl wants it
_STEP = re.compile(
    r"""\.?(?P<name>(?:\\.|[^.,\[\]\\'"\s])+)"""
    r"""|\.?\[(?P<quote>['"])(?P<quoted>.*?)(?P=quote)\]"""
    r"""|\[(?P<place>-?\d+|\*)\]"""
)


def read(columns: str | Mapping[str, str]) -> dict[str, str]:
    """Return the path of each column by its name.

    `columns` is such a mapping already, or the text that kubectl takes:
    `NAME:.metadata.name,NODE:.spec.nodeName`. Raise BadColumn if it names no column.
    """
    if not isinstance(columns, str):
        found = dict(columns)
    else:
        found = {}
        # A comma in a label's key is quoted or escaped; between columns it is followed
        # by a name and a colon.
        for part in re.split(r",(?=[^,:\[\]]+:)", columns):
            name, colon, path = part.partition(":")
            if not colon:
                raise errors.BadColumn(part, "has no colon between name and path")
            found[name.strip()] = path.strip()
    if not found:
        raise errors.BadColumn("", "names no column")
    return found


def steps(path: str) -> list[str | int | None]:
    """Return the steps of a path: names, indices, and None for each element.

    Raise BadColumn for what is no path.
    """
    inner = path.strip()
    if inner[:1] + inner[-1:] == "{}":
        inner = inner[1:-1]
    found, at = [], 0
    while at < len(inner):
        match = _STEP.match(inner, at)
        # A name at the very start needs no dot, anywhere else it does.
        if not match or (at and inner[at] not in ".["):
            raise errors.BadColumn(path, f"cannot be read from {inner[at:]!r} on")
        found.append(_step(match))
        at = match.end()
    if not found:
        raise errors.BadColumn(path, "names no field")
    return found


def values(obj: dict, steps: Iterable[str | int | None]) -> list:
    """Return the values that an object has at a path: one at most without `[*]`.

    Raise BadColumn for a name where the object has a list.
    """
    found = [obj]
    for step in steps:
        found = [inner for value in found for inner in _below(value, step)]
    return [value for value in found if value is not None]


def _step(match: re.Match) -> str | int | None:
    if match["place"] == "*":
        return None
    if match["place"]:
        return int(match["place"])
    if match["quote"]:
        return match["quoted"]
    return re.sub(r"\\(.)", r"\1", match["name"])


def _below(value: object, step: str | int | None) -> Iterable:
    if isinstance(value, list):
        if isinstance(step, str):
            fault = "is below a list: write [*] or an index like [0] before it"
            raise errors.BadColumn(step, fault)
        if step is None:
            return value
        return [value[step]] if -len(value) <= step < len(value) else ()
    if isinstance(value, dict):
        if step is None:
            return value.values()
        return [value[step]] if step in value else ()
    return ()
