"""Turn the server's own tables into data frames.

The columns are those that `kubectl get` prints, because kubectl prints what the server
sends. Cells are made for people, so times are as coarse as on the screen.
"""

import re

import pandas as pd

from helpers import errors
from helpers.discovery import Server

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"

#: from the `type` that a column declares; everything else is text
_TYPES = {"integer": "Int64", "number": "Float64", "boolean": "boolean"}
#: how kubectl's columns say that there is nothing
_NOTHING = {"", "<none>", "<unknown>", "<unset>"}
#: Columns of spans of time. They are declared as text, and a span cannot be told from
#: a quantity by its looks: `10m` of CPU is no time.
_SPANS = {"AGE", "DURATION", "LAST SCHEDULE", "LAST SEEN", "FIRST SEEN"}
_SPAN = re.compile(r"(?=\d)(?:(\d+)y)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_SECONDS = (365 * 86400, 86400, 3600, 60, 1)


def get_table(server: Server, path: str, *, wide: bool = False) -> pd.DataFrame:
    """Return what `kubectl get` prints of the list or object at `path`, as data.

    Columns are named as kubectl prints them; `wide` adds those of `-o wide`. A list
    over all namespaces has NAMESPACE first. Spans like AGE are timedeltas, as coarse as
    printed; numbers are Int64 or Float64; what is missing is NA. Raise ApiError if it
    is refused, NotATable if `path` is no resource.
    """
    table = server.read(path, accept=TABLE)
    if table.get("kind") != "Table":
        raise errors.NotATable(path, table.get("kind", "other JSON"))
    everywhere = "/namespaces/" not in path
    return frame(table, wide=wide, namespaces=everywhere)


def frame(table: dict, *, wide: bool = False, namespaces: bool = False) -> pd.DataFrame:
    """Return the data frame of a Table, given as the JSON that the server sent.

    `namespaces` adds NAMESPACE, if the rows tell it.
    """
    rows = table.get("rows") or []
    columns = []
    if namespaces:
        names = [_namespace(row) for row in rows]
        if any(names):
            columns.append(pd.Series(names, name="NAMESPACE", dtype="string"))
    for place, definition in enumerate(table["columnDefinitions"]):
        if wide or not definition.get("priority"):
            cells = [row["cells"][place] for row in rows]
            columns.append(_column(definition, cells))
    # concat and not a dict: names may repeat, as custom resources choose theirs.
    return pd.concat(columns, axis="columns") if columns else pd.DataFrame()


def _namespace(row: dict) -> str | None:
    return ((row.get("object") or {}).get("metadata") or {}).get("namespace")


def _column(definition: dict, cells: list) -> pd.Series:
    name = definition["name"].upper()
    known = [None if cell in _NOTHING else cell for cell in cells]
    if name in _SPANS or definition["type"] == "date":
        seconds = [_seconds(cell) for cell in known]
        # "5m (x3 over 10m)" of an event is more than a span: such a column stays text.
        if [s is None for s in seconds] == [cell is None for cell in known]:
            return pd.Series(
                pd.to_timedelta(seconds, unit="s"), name=name, dtype="timedelta64[s]"
            )
    if definition["type"] not in _TYPES:
        known = [None if cell is None else str(cell) for cell in known]
    return pd.Series(known, name=name, dtype=_TYPES.get(definition["type"], "string"))


def _seconds(cell: object) -> int | None:
    """Return the seconds of a span as kubectl writes it ("3d4h"), or None."""
    found = _SPAN.fullmatch(str(cell))
    if not found:
        return None
    return sum(
        int(n or 0) * unit for n, unit in zip(found.groups(), _SECONDS, strict=True)
    )
