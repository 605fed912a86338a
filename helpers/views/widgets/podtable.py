"""Keep the table that `kubectl get` prints up to date by a watch. Pure.

The table is data here, and `livepods.py` draws it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pandas as pd

from helpers.api.watch import BROKEN, LISTED, RECONNECTED, REFUSED, Event
from helpers.language import mark, say

#: number of events that are kept
HISTORY = 20_000
#: a column of ours, after the server's
LAST_EVENT = mark("LAST EVENT")

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "y": 365 * 86400}
#: limit in seconds, first unit, second unit
_STEPS = (
    (120, "s", ""),
    (600, "m", "s"),
    (3 * 3600, "m", ""),
    (8 * 3600, "h", "m"),
    (2 * 86400, "h", ""),
    (8 * 86400, "d", "h"),
    (2 * 365 * 86400, "d", ""),
    (8 * 365 * 86400, "y", "d"),
)


@dataclass(frozen=True)
class PodRow:
    """A row: an object as the server prints it, and its last event."""

    name: str
    cells: tuple
    labels: Mapping[str, str]
    created: str
    event: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Entry:
    """An event in the history; `what` is the name of the object, or the trouble."""

    type: str
    what: str
    at: datetime


@dataclass(frozen=True)
class Table:
    """The rows of a resource, and the events that made them."""

    columns: tuple[str, ...] = ()
    #: the numbers of those columns among the server's
    numbers: tuple[int, ...] = ()
    rows: Mapping[str, PodRow] = field(default_factory=dict)
    #: the rows of a list whose last page has not come yet
    pages: Mapping[str, PodRow] = field(default_factory=dict)
    history: tuple[Entry, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    #: the fault of the connection; "" while all is well
    trouble: str = ""
    #: the server refuses the watch, so that no other attempt is made
    refused: bool = False
    listed: bool = False
    #: the text of the filter, which hides rows only on the screen
    query: str = ""

    def frame(self, now: datetime) -> pd.DataFrame:
        """Return the rows: the columns of kubectl, LAST EVENT, AGO.

        AGO is the timedelta since the event; both are empty without an event.
        """
        return pd.DataFrame(
            [
                [*self.cells(r, now), r.event, r.at and now - r.at]
                for r in self.matching()
            ],
            columns=[*self.columns, LAST_EVENT, "AGO"],
        )

    def events(self) -> pd.DataFrame:
        """Return the history, oldest first: TYPE, OBJECT, AT."""
        return pd.DataFrame(
            [[entry.type, entry.what, entry.at] for entry in self.history],
            columns=["TYPE", "OBJECT", "AT"],
        )

    def has_event(self, kind: str, name: str) -> bool:
        """Return whether the history has an event of an object."""
        return any((entry.type, entry.what) == (kind, name) for entry in self.history)

    def matching(self, query: str = "") -> list[PodRow]:
        """Return the rows whose name or label contains `query`, by name."""
        rows = [row for row in self.rows.values() if _matches(row, query)]
        return sorted(rows, key=lambda row: row.name)

    def cells(self, row: PodRow, now: datetime) -> list:
        """Return the cells of a row, with the AGE of now."""
        return [
            age(row.created, now) if name == "AGE" else cell
            for name, cell in zip(self.columns, row.cells, strict=True)
        ]


def reduce(table: Table, event: Event) -> Table:
    """Return the table after one event of a Watch of Tables."""
    counts = {**table.counts, event.type: table.counts.get(event.type, 0) + 1}
    table = replace(table, counts=counts)
    if event.type in (BROKEN, REFUSED):
        trouble, refused = event.object["message"], event.type == REFUSED
        table = replace(table, trouble=trouble, refused=refused)
        return _note(table, event, trouble)
    if event.type == RECONNECTED:
        return _note(replace(table, trouble=""), event, say("the watch goes on"))
    if definitions := event.object.get("columnDefinitions"):
        # The columns that kubectl prints without `-o wide`.
        numbers = [
            n for n, column in enumerate(definitions) if not column.get("priority")
        ]
        columns = [definitions[number]["name"].upper() for number in numbers]
        table = replace(table, numbers=tuple(numbers), columns=tuple(columns))
    if event.type == LISTED:
        return _with_page(table, event)
    if event.type == "BOOKMARK":
        # The row has no cells; only its version counts.
        return _note(table, event, "")
    [row] = _rows(table, event.object)
    rows = {**table.rows, row.name: row}
    if event.type == "DELETED":
        del rows[row.name]
    else:
        rows[row.name] = replace(row, event=event.type, at=event.at)
    return _note(replace(table, rows=rows), event, row.name)


def human_duration(span: timedelta) -> str:
    """Return a span in at most two units, coarser the longer it is.

    The same as `duration.HumanDuration` in k8s.io/apimachinery: seconds up to two
    minutes, minutes up to three hours.
    """
    seconds = int(span.total_seconds())
    if seconds < -1:
        return "<invalid>"
    seconds = max(0, seconds)
    units = ((unit, rest) for below, unit, rest in _STEPS if seconds < below)
    unit, rest = next(units, ("y", ""))
    whole, left = divmod(seconds, _SECONDS[unit])
    left = left // _SECONDS[rest] if rest else 0
    return f"{whole}{unit}" + (f"{left}{rest}" if left else "")


def age(created: str, now: datetime) -> str:
    """Return the age of an object from its `creationTimestamp`, "" without one."""
    if not created:
        return ""
    return human_duration(now - datetime.fromisoformat(created))


def _with_page(table: Table, event: Event) -> Table:
    # A list that begins again voids the pages of the one that broke off.
    pages = {} if event.first else dict(table.pages)
    pages |= {row.name: row for row in _rows(table, event.object)}
    if event.object.get("metadata", {}).get("continue"):
        return replace(table, pages=pages)
    # Rows that are not in the new list were deleted while nobody watched.
    for key in table.rows.keys() & pages.keys():
        old = table.rows[key]
        pages[key] = replace(pages[key], event=old.event, at=old.at)
    table = replace(table, rows=pages, pages={}, listed=True, trouble="")
    return _note(table, event, say("objects: {count:,}", count=len(pages)))


def _note(table: Table, event: Event, what: str) -> Table:
    entry = Entry(event.type, what, event.at)
    return replace(table, history=(*table.history[1 - HISTORY :], entry))


def _rows(table: Table, document: dict) -> list[PodRow]:
    rows = []
    for row in document.get("rows") or ():
        metadata = row["object"]["metadata"]
        rows.append(
            PodRow(
                metadata.get("name", ""),
                tuple(row["cells"][number] for number in table.numbers),
                metadata.get("labels") or {},
                metadata.get("creationTimestamp") or "",
            )
        )
    return rows


def _matches(row: PodRow, query: str) -> bool:
    texts = [row.name, *(f"{k}={v}" for k, v in row.labels.items())]
    return any(query.lower() in text.lower() for text in texts)
