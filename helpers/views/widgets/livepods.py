"""A live table of pods and events, as of `kubectl get --watch`."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

import ipywidgets
import pandas as pd

from helpers import errors
from helpers.api.caller import Caller
from helpers.api.watch import BROKEN, RECONNECTED, Event, Watch
from helpers.command import current_namespace, kubeconfig_in_use, time_limit
from helpers.language import mark, say
from helpers.views.widgets import markup, podtable
from helpers.views.widgets.live import Live
from helpers.views.widgets.podtable import LAST_EVENT, PodRow, Table
from helpers.views.widgets.view import SOON, View, fit_description

#: the form of a list in which the server makes the columns
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
#: rows that are on the screen; the filter finds the others
MOST = 20
#: events in the list below the table
LATEST = 8
#: seconds until an event has usually come
HEARD = 30.0
#: the types of events that are counted in words
TYPES = ("ADDED", "MODIFIED", "DELETED", "BOOKMARK", BROKEN, RECONNECTED)


def live_pods(*, namespace: str | None = None) -> "LivePods":
    """Watch the pods of a namespace and show them, and the events, as they change.

    `namespace` is by default the notebook's own. `frame()` has the rows, `events()` the
    history. The same as `kubectl get pods --watch --output-watch-events`. Raise
    NotConnected before `connect()`, KubeconfigError if its user has no credential that
    can be used.
    """
    return LivePods(namespace or current_namespace())


class LivePods(View):
    """Pods as `kubectl get` prints them, kept up to date by one watch."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._filter = fit_description(
            ipywidgets.Text(description=say("Name or label contains:")), "22em"
        )
        self._table, self._events = Live(), Live()
        self._filter.observe(lambda change: self.handle(change["new"].strip()), "value")
        super().__init__(
            say("Pods in namespace {namespace}", namespace=namespace),
            self._filter,
            self._table,
            self._events,
            state=Table(),
            every=1.0,
        )
        self._watch = Watch(
            Caller.from_kubeconfig(kubeconfig_in_use()),
            f"/api/v1/namespaces/{quote(namespace)}/pods",
            self.handle,
            accept=TABLE,
        ).start()
        self.render_soon()

    def frame(self) -> pd.DataFrame:
        """Return the rows: the columns of kubectl, LAST EVENT, AGO."""
        return self.state.frame(datetime.now(UTC))

    def events(self) -> pd.DataFrame:
        """Return the events so far, oldest first: TYPE, OBJECT, AT."""
        return self.state.events()

    def wait_for(self, event: str, name: str, *, timeout: float | None = None) -> None:
        """Wait for an event of the pod `name`, such as "DELETED".

        Raise NotReady after `timeout` seconds, with what is wrong if it is known.
        """
        timeout = time_limit(HEARD, timeout)
        if not self.wait_until(lambda table: table.has_event(event, name), timeout):
            what = say("The event {event} of pod {name}", event=event, name=name)
            raise errors.NotReady(what, timeout, self._words(self.state))

    def reduce(self, state: Table, event: Event | str) -> Table:
        """Return the table after an event of the watch, or with another filter."""
        if isinstance(event, str):
            return replace(state, query=event)
        return podtable.reduce(state, event)

    def render(self, state: Table) -> None:
        """Show the first rows that fit the filter, and the last events."""
        now, table = datetime.now(UTC), state
        matches = table.matching(table.query)
        rows = [_cells(table, row, now) for row in matches[:MOST]]
        columns = [*table.columns, say(LAST_EVENT)]
        caption = _caption(len(matches), len(table.rows))
        self._table.value = markup.block(markup.table(columns, rows, caption=caption))
        latest = [
            (entry.type, entry.what, f"{entry.at.astimezone():%H:%M:%S}")
            for entry in reversed(table.history[-LATEST:])
        ]
        words = f"<p>{markup.text(_event_counts(table.counts))}</p>"
        caption = say("The last events, newest first")
        columns = [say("TYPE"), say("OBJECT"), say("TIME")]
        listed = markup.table(columns, latest, caption=caption)
        self._events.value = markup.block(words + listed)
        self.report(self._words(state))

    def text(self) -> str:
        """Return the table and the last events; wait a moment for the list."""
        self.wait_until(lambda table: table.listed or table.trouble, SOON)
        state = self.state
        rows = state.frame(datetime.now(UTC)).drop(columns="AGO")
        lines = [self._words(state) + " " + say("{count:,} pods.", count=len(rows))]
        if len(rows):
            lines += rows.head(MOST).to_string(index=False).splitlines()
        if len(rows) > MOST:
            lines.append(say("… and {count:,} more", count=len(rows) - MOST))
        return "\n".join([*lines, _event_counts(state.counts)])

    def on_stop(self) -> None:
        """End the watch."""
        self._watch.stop()

    def _words(self, table: Table) -> str:
        if table.refused:
            return say("The server refuses this watch: {reason}", reason=table.trouble)
        if table.trouble:
            text = mark("Not connected, trying again: {reason}")
            return say(text, reason=table.trouble)
        if not table.listed:
            return say("Requesting the list.")
        # Not how many pods: a screen reader would speak with every event.
        text = say("Watching namespace {namespace}.", namespace=self._namespace)
        if times := table.counts.get(RECONNECTED):
            text += " " + say("Reconnected: {times}.", times=times)
        return text


def _cells(table: Table, row: PodRow, now: datetime) -> list:
    cells = table.cells(row, now)
    if row.at is None:
        return [*cells, ""]
    since = say("{seconds:.0f} s ago", seconds=(now - row.at).total_seconds())
    return [*cells, f"{row.event}, {since}"]


def _caption(matches: int, total: int) -> str:
    if not total:
        return say("No pods yet.")
    if not matches:
        return say("None of {all:,} pods matches the filter.", all=total)
    if matches > MOST:
        return say("The first {count} of {all:,} pods", count=MOST, all=matches)
    return say("{count:,} of {all:,} pods", count=matches, all=total)


def _event_counts(counts: Mapping[str, int]) -> str:
    """Return how many events of each type there were."""
    parts = [f"{counts[name]:,} {name}" for name in TYPES if counts.get(name)]
    events = ", ".join(parts) or say("none yet")
    return say("Events since the list: {events}.", events=events)
