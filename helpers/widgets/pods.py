"""A live table of pods, as `kubectl get --watch` would fill it, and its events.

The facts are those of `helpers.livetables`; here is how they look.
"""

import time
from datetime import UTC, datetime
from urllib.parse import quote

import ipywidgets
import pandas as pd

from cluster import errors
from cluster.waiting import until
from helpers.caller import Caller
from helpers.command import kubeconfig_in_use
from helpers.livetables import LAST_EVENT, LiveTable, Row, seconds
from helpers.reviews import current_namespace
from helpers.tables import TABLE
from helpers.watch import BROKEN, RECONNECTED, Watch, trouble
from helpers.widgets import markup, plots
from helpers.widgets.live import Live
from helpers.widgets.view import View, named

#: rows on one page of the table
PAGE = 20
#: events in the list below the plot
LATEST = 5
#: seconds that the plot goes back
SPAN = 60
#: seconds between two plots: one costs as much as ten tables
REPLOT = 1.0
#: The lanes of the plot, from the top, each with a sign and a colour. The colours are
#: those of Okabe and Ito, which people see apart however they see colours.
LANES = {
    "ADDED": ("o", "#009e73"),
    "MODIFIED": ("s", "#56b4e9"),
    "DELETED": ("X", "#d55e00"),
    "BOOKMARK": ("D", "#cc79a7"),
    BROKEN: ("v", "#e69f00"),
    RECONNECTED: ("^", "#e69f00"),
}


def live_pods(*, namespace: str | None = None, selector: str = "") -> "LivePods":
    """Watch the pods of a namespace and show them, and the events, as they change.

    `namespace` is by default the notebook's own, and "" means all; `selector` is a
    label selector. `frame()` has the rows, `events()` what was heard. The same as
    `kubectl get pods --watch --output-watch-events`. Raise NotConnected before
    `connect()`, KubeconfigError if its user shows neither certificate nor token.
    """
    where = current_namespace() if namespace is None else namespace
    return LivePods(where, selector)


class LivePods(View):
    """Pods as `kubectl get` prints them, kept up to date by one watch."""

    def __init__(self, namespace: str, selector: str) -> None:
        """List and watch from now on, until `stop`."""
        self.model = LiveTable()
        self._where = f"namespace {namespace}" if namespace else "all namespaces"
        self._all = not namespace
        self._page, self._pages, self._plotted = 0, 1, 0.0
        self._turned = ""
        self._filter = named(
            ipywidgets.Text(description="Name or label contains:"), "22em"
        )
        self._order = named(
            ipywidgets.Dropdown(
                description="Order:", options=["by name", "last event first"]
            )
        )
        # Never disabled: the one that was pressed would lose the focus.
        self._previous = ipywidgets.Button(description="Previous page")
        self._next = ipywidgets.Button(description="Next page")
        self._table, self._picture = Live(), Live()
        for control in (self._filter, self._order):
            control.observe(lambda _: self._begin_again(), "value")
        self._previous.on_click(lambda _: self._turn(-1))
        self._next.on_click(lambda _: self._turn(1))
        controls = [self._filter, self._order, self._previous, self._next]
        super().__init__(
            f"Pods in {self._where}",
            ipywidgets.HBox(controls, layout={"flex_flow": "row wrap"}),
            self._table,
            self._picture,
            every=1.0,
        )
        path = f"/api/v1/namespaces/{quote(namespace)}/pods"
        self._watch = Watch(
            Caller.from_kubeconfig(kubeconfig_in_use()),
            path if namespace else "/api/v1/pods",
            self._hear,
            accept=TABLE,
            query={"labelSelector": selector} if selector else {},
        ).start()
        self.changed()

    def frame(self) -> pd.DataFrame:
        """Return the rows: NAMESPACE, the columns of kubectl, LAST EVENT, AGO."""
        return self.model.frame(datetime.now(UTC))

    def events(self) -> pd.DataFrame:
        """Return what was heard so far, oldest first: TYPE, OBJECT, AT."""
        return self.model.events()

    def wait_for(self, event: str, name: str, *, timeout: float = 30.0) -> None:
        """Wait until an event of the pod `name` was heard, as "DELETED".

        Raise NotReady after `timeout` seconds, with what is wrong if it is known.
        """
        if not until(lambda: self.model.has_heard(event, name), timeout):
            what = f"The event {event} of pod {name}"
            raise errors.NotReady(what, timeout, self._sentence())

    def draw(self) -> None:
        """Draw the page of the table that is chosen, and the plot once a second."""
        now = datetime.now(UTC)
        model = self.model
        with model.lock:
            newest = self._order.value != "by name"
            found = model.sorted(self._filter.value.strip(), newest=newest)
            self._pages = max(1, -(-len(found) // PAGE))
            self._page = min(self._page, self._pages - 1)
            start = self._page * PAGE
            rows = [self._cells(row, now) for row in found[start : start + PAGE]]
            history, counts = list(model.history), dict(model.counts)
        columns = ["NAME", *self._others(), LAST_EVENT]
        if self._all:
            columns.insert(1, "NAMESPACE")
        caption = _caption(start, len(rows), len(found), len(model.rows))
        self._table.value = markup.block(markup.table(columns, rows, caption=caption))
        self.say(self._sentence())
        if time.monotonic() - self._plotted >= REPLOT:
            self._plot(history, counts, now)
            self._plotted = time.monotonic()

    def text(self) -> str:
        """Return the table and the last events, as `kubectl get` prints them."""
        rows = self.frame()
        if not self._all:
            rows = rows.drop(columns="NAMESPACE")
        rows = rows.drop(columns="AGO")
        lines = [f"{self._sentence()} {len(rows):,} pods."]
        if len(rows):
            lines += rows.head(PAGE).to_string(index=False).splitlines()
        if len(rows) > PAGE:
            lines.append(f"… and {len(rows) - PAGE:,} more")
        return "\n".join([*lines, _in_words(dict(self.model.counts))])

    def stopping(self) -> None:
        """End the watch."""
        self._watch.stop()

    def _hear(self, event) -> None:
        self.model.hear(event)
        self.changed()

    def _turn(self, by: int) -> None:
        page = self._page + by
        if 0 <= page < self._pages:
            self._page = page
            self._turned = f" Page {page + 1} of {self._pages}."
        else:
            self._turned = f" This is the {'last' if by > 0 else 'first'} page."
        self.changed()

    def _begin_again(self) -> None:
        self._page, self._turned = 0, ""
        self.changed()

    def _others(self) -> list[str]:
        return [name for name in self.model.columns if name != "NAME"]

    def _cells(self, row: Row, now: datetime) -> list:
        cells = dict(zip(self.model.columns, self.model.cells(row, now), strict=True))
        shown = [row.name, *([row.namespace] if self._all else [])]
        shown += [cells[name] for name in self._others()]
        ago = (
            f"{row.event}, {(now - row.at).total_seconds():.0f} s ago" if row.at else ""
        )
        return [*shown, ago]

    def _sentence(self) -> str:
        model = self.model
        if model.trouble:
            return trouble(model.trouble, refused=model.refused)
        if not model.listed:
            return "Asking for the list."
        again = (
            f" Reconnected: {self._watch.reconnects}." if self._watch.reconnects else ""
        )
        # Not how many: a screen reader would speak with every event.
        return f"Watching {self._where}.{again}{self._turned}"

    def _plot(self, history: list, counts: dict, now: datetime) -> None:
        lately = seconds(history, now, SPAN)
        label = f"Events of the last {SPAN} seconds: {plots.in_words(lately, LANES)}."
        picture = plots.lanes(lately, LANES, label=label)
        latest = [
            (heard.type, heard.what, f"{heard.at.astimezone():%H:%M:%S}")
            for heard in reversed(history[-LATEST:])
        ]
        words = f"<p>{markup.text(_in_words(counts))}</p>"
        caption = "The last events, newest first"
        listed = markup.table(("TYPE", "OBJECT", "TIME"), latest, caption=caption)
        self._picture.value = markup.block(picture + words + listed)


def _caption(start: int, shown: int, found: int, everything: int) -> str:
    if not everything:
        return "No pods yet."
    if not found:
        return f"None of {everything:,} pods fits the filter."
    of = "" if found == everything else f" that fit, of {everything:,}"
    return f"{start + 1:,} to {start + shown:,} of {found:,} pods{of}"


def _in_words(counts: dict[str, int]) -> str:
    """Return how often each type of event was heard, for whom a plot says nothing."""
    parts = [f"{counts[name]:,} {name}" for name in LANES if counts.get(name)]
    return f"Heard since the list: {', '.join(parts) or 'nothing yet'}."
