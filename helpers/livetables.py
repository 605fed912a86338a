"""Keep the table that `kubectl get` prints up to date from the events of a watch.

Pure: it is told of events and holds rows and a history. What runs the watch and what
draws it live elsewhere.
"""

import threading
from collections import Counter, deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pandas as pd

from helpers import ages, explorer
from helpers.watch import BROKEN, LISTED, RECONNECTED, REFUSED, Event

#: how many events are kept; older ones are counted and let go
HISTORY = 20_000
#: the columns that are ours, after the server's
LAST_EVENT = "LAST EVENT"


@dataclass(frozen=True)
class Row:
    """One object as the server prints it, and what was heard of it last."""

    namespace: str
    name: str
    cells: tuple
    labels: dict
    created: str
    event: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Heard:
    """An event as the history keeps it; `what` is the object or the trouble."""

    type: str
    what: str
    at: datetime


@dataclass
class LiveTable:
    """The rows of a resource, and the events that made them; safe between threads."""

    columns: list[str] = field(default_factory=list)
    rows: dict[tuple[str, str], Row] = field(default_factory=dict)
    history: deque[Heard] = field(default_factory=lambda: deque(maxlen=HISTORY))
    counts: Counter = field(default_factory=Counter)
    #: what is wrong with the connection; "" while all is well
    trouble: str = ""
    #: the server will not answer: no other try is made
    refused: bool = False
    listed: bool = False

    def __post_init__(self) -> None:
        """Make the lock: a drawing never sees half an event."""
        self.lock = threading.Lock()
        self._fresh: dict[tuple[str, str], Row] = {}

    def hear(self, event: Event) -> None:
        """Take one event of a Watch of Tables."""
        with self.lock:
            self.counts[event.type] += 1
            if event.type == LISTED:
                self._take_page(event)
            elif event.type in (BROKEN, REFUSED):
                self.trouble = event.object["message"]
                self.refused = event.type == REFUSED
                self.history.append(Heard(event.type, self.trouble, event.at))
            elif event.type == RECONNECTED:
                self.trouble = ""
                self.history.append(Heard(event.type, "the watch goes on", event.at))
            else:
                self._take(event)

    def frame(self, now: datetime) -> pd.DataFrame:
        """Return the rows: NAMESPACE, the columns of kubectl, LAST EVENT, AGO.

        AGO is a timedelta since that event; both are empty for what was only listed.
        """
        with self.lock:
            rows = self.sorted()
        return pd.DataFrame(
            [
                [r.namespace, *self.cells(r, now), r.event, r.at and now - r.at]
                for r in rows
            ],
            columns=["NAMESPACE", *self.columns, LAST_EVENT, "AGO"],
        )

    def events(self) -> pd.DataFrame:
        """Return what was heard, oldest first: TYPE, OBJECT, AT."""
        with self.lock:
            heard = list(self.history)
        return pd.DataFrame(
            [[one.type, one.what, one.at] for one in heard],
            columns=["TYPE", "OBJECT", "AT"],
        )

    def has_heard(self, event: str, name: str) -> bool:
        """Say whether the history has an event of an object."""
        with self.lock:
            return any(
                heard.type == event and heard.what == name for heard in self.history
            )

    def sorted(self, wanted: str = "", *, newest: bool = False) -> list[Row]:
        """Return the rows of which name, namespace or a label holds `wanted`.

        In the order of their names, or those first of which something was heard last.
        """
        rows = [row for row in self.rows.values() if _fits(row, wanted)]
        rows.sort(key=lambda row: (row.namespace, row.name))
        if newest:
            rows.sort(key=lambda row: row.at.timestamp() if row.at else 0, reverse=True)
        return rows

    def cells(self, row: Row, now: datetime) -> list:
        """Return the cells of a row; the server's AGE was of when it was sent."""
        return [
            ages.age(row.created, now) if name == "AGE" else cell
            for name, cell in zip(self.columns, row.cells, strict=True)
        ]

    def _take_page(self, event: Event) -> None:
        table = event.object
        self._define(table)
        if event.first:
            self._fresh = {}
        for row in table.get("rows") or ():
            made = self._row(row)
            self._fresh[made.namespace, made.name] = made
        if table.get("metadata", {}).get("continue"):
            return
        # A list anew: what is not in it was deleted while nobody listened.
        for key in self.rows.keys() & self._fresh.keys():
            old = self.rows[key]
            self._fresh[key] = replace(self._fresh[key], event=old.event, at=old.at)
        self.rows, self._fresh = self._fresh, {}
        self.listed, self.trouble = True, ""
        self.history.append(Heard(LISTED, f"{len(self.rows):,} objects", event.at))

    def _take(self, event: Event) -> None:
        self._define(event.object)
        for row in event.object.get("rows") or ():
            made = self._row(row)
            if event.type == "BOOKMARK":
                break
            if event.type == "DELETED":
                self.rows.pop((made.namespace, made.name), None)
            else:
                made = replace(made, event=event.type, at=event.at)
                self.rows[made.namespace, made.name] = made
            self.history.append(Heard(event.type, made.name, event.at))
        if event.type == "BOOKMARK":
            self.history.append(Heard(event.type, "", event.at))

    def _define(self, table: dict) -> None:
        if table.get("columnDefinitions"):
            self._shown, self.columns = explorer.printed(table["columnDefinitions"])

    def _row(self, row: dict) -> Row:
        metadata = row["object"]["metadata"]
        # Bookmarks come as a row without cells.
        cells = row.get("cells") or []
        shown = tuple(cells[number] for number in self._shown if number < len(cells))
        return Row(
            metadata.get("namespace", ""),
            metadata.get("name", ""),
            shown,
            metadata.get("labels") or {},
            metadata.get("creationTimestamp") or "",
        )


def seconds(history: list[Heard], until: datetime, span: int) -> dict[str, list[int]]:
    """Count the events of each type for each of the last `span` seconds."""
    counts: dict[str, list[int]] = {}
    for heard in reversed(history):
        back = (until - heard.at) // timedelta(seconds=1)
        if back >= span:
            break
        slots = counts.setdefault(heard.type, [0] * span)
        slots[span - 1 - max(0, back)] += 1
    return counts


def _fits(row: Row, wanted: str) -> bool:
    if not wanted:
        return True
    texts = [row.name, row.namespace, *(f"{k}={v}" for k, v in row.labels.items())]
    return any(wanted.lower() in one.lower() for one in texts)
