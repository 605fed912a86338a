"""Read what `kubectl -o custom-columns` reads: names of columns and paths of fields.

The paths of all columns become one tree, so that what they share is walked once. It
knows no kinds; whether a field exists, a schema says.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cluster import errors

#: `.name`, `['name']`, `[0]`, `[*]`; a dot in a name is escaped, as kubectl wants it
_STEP = re.compile(
    r"""\.?(?P<name>(?:\\.|[^.,\[\]\\'"\s])+)"""
    r"""|\.?\[(?P<quote>['"])(?P<quoted>.*?)(?P=quote)\]"""
    r"""|\[(?P<place>-?\d+|\*)\]"""
)


@dataclass
class Node:
    """A place in an object: the columns that want it, and the places below it.

    `children` are by the name of a field; `elements` by the place in a list, where
    None means each element.
    """

    path: str = ""
    names: list[str] = field(default_factory=list)
    children: dict[str, "Node"] = field(default_factory=dict)
    elements: dict[int | None, "Node"] = field(default_factory=dict)

    def leaves(self):
        """Yield every place that a column wants."""
        if self.names:
            yield self
        for node in (*self.children.values(), *self.elements.values()):
            yield from node.leaves()


def read(columns: str | Mapping[str, str]) -> dict[str, str]:
    """Return the path of each column by its name.

    `columns` is such a mapping already, or the text that kubectl takes:
    `NAME:.metadata.name,NODE:.spec.nodeName`. Raise BadColumn if there is none.
    """
    if not isinstance(columns, str):
        found = dict(columns)
    else:
        found = {}
        # A comma in a label's key stands in quotes or is escaped; between columns
        # it is followed by a name and a colon.
        for part in re.split(r",(?=[^,:\[\]]+:)", columns):
            name, colon, path = part.partition(":")
            if not colon:
                raise errors.BadColumn(part, "has no colon between name and path")
            found[name.strip()] = path.strip()
    if not found:
        raise errors.BadColumn("", "names no column")
    return found


def tree(columns: Mapping[str, str]) -> Node:
    """Return the places that `columns` want, as a tree; raise BadColumn."""
    root = Node()
    for name, path in columns.items():
        node = root
        for step in steps(path):
            if isinstance(step, str):
                place = f"{node.path}.{_escaped(step)}"
                node = node.children.setdefault(step, Node(place))
            else:
                place = f"{node.path}[{'*' if step is None else step}]"
                node = node.elements.setdefault(step, Node(place))
        node.names.append(name)
    return root


def steps(path: str) -> list[str | int | None]:
    """Return the steps of a path: names, numbers, and None for each element.

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


def _step(match: re.Match) -> str | int | None:
    if match["place"] == "*":
        return None
    if match["place"]:
        return int(match["place"])
    if match["quote"]:
        return match["quoted"]
    return re.sub(r"\\(.)", r"\1", match["name"])


def _escaped(name: str) -> str:
    return name.replace(".", r"\.")
