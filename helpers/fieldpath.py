"""Read the path of a field as kubectl writes it: `.spec.containers[*].name`.

It knows no kinds; the schema says whether a field exists.
"""

import re

from helpers import errors

#: `.name`, `['name']`, `[0]`, `[*]`; a dot in a name is escaped, as kubectl wants it
_STEP = re.compile(
    r"""\.?(?P<name>(?:\\.|[^.,\[\]\\'"\s])+)"""
    r"""|\.?\[(?P<quote>['"])(?P<quoted>.*?)(?P=quote)\]"""
    r"""|\[(?P<place>-?\d+|\*)\]"""
)


def steps(path: str) -> list[str | int | None]:
    """Return the steps of a path: names, indices, and None for each element.

    Raise BadPath for what is no path.
    """
    inner = path.strip()
    if inner[:1] + inner[-1:] == "{}":
        inner = inner[1:-1]
    found, at = [], 0
    while at < len(inner):
        match = _STEP.match(inner, at)
        # A name at the very start needs no dot, anywhere else it does.
        if not match or (at and inner[at] not in ".["):
            raise errors.BadPath(path, f"cannot be read from {inner[at:]!r} on")
        found.append(_step(match))
        at = match.end()
    if not found:
        raise errors.BadPath(path, "names no field")
    return found


def _step(match: re.Match) -> str | int | None:
    if match["place"] == "*":
        return None
    if match["place"]:
        return int(match["place"])
    if match["quote"]:
        return match["quoted"]
    return re.sub(r"\\(.)", r"\1", match["name"])
