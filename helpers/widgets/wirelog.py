"""Every request of this notebook as a table, newest first, and its way out as HAR.

The facts are those of `helpers.wirelog`; here is how they look.
"""

from datetime import datetime
from pathlib import Path

import ipywidgets
import pandas as pd

from helpers.requestlog import Entry
from helpers.widgets import markup
from helpers.widgets.live import Live
from helpers.widgets.view import View, named
from helpers.wirelog import UNSEEN, WireLog

#: rows that are drawn; the data have them all
SHOWN = 100
#: rows of the text form
LINES = 20
#: only the address may be broken into lines
_STYLE = """<style>
.lab-wires th, .lab-wires td:not(:nth-child(4)) { white-space: nowrap; }
</style>"""
_COLUMNS = ("TIME", "FROM", "METHOD", "URL", "STATUS", "MS", "BYTES")


def wire_log() -> "WireLogView":
    """Show every request of this notebook from now on, also those of shell cells.

    `frame()` has them as data, `har(path)` writes them as HAR 1.2 without secrets.
    For a single command the same as `kubectl -v=6` or `curl --write-out`. Raise
    NotConnected before `connect()`.
    """
    return WireLogView()


class WireLogView(View):
    """The requests that were sent since the view was opened."""

    def __init__(self) -> None:
        """Log from now on, until `stop`."""
        self.model = WireLog().start()
        self._filter = named(ipywidgets.Text(description="Line contains:"), "22em")
        self._filter.observe(lambda _: self.changed(), "value")
        self._export = ipywidgets.Button(
            description="Export as HAR", tooltip="Write the requests into a file"
        )
        self._export.on_click(lambda _: self.work(self._write))
        self._written = ""
        self._table, self._summary = Live(), Live()
        controls = [self._filter, self._export]
        super().__init__(
            "Wire log: every request of this notebook",
            ipywidgets.HBox(controls, layout={"flex_flow": "row wrap"}),
            self._summary,
            self._table,
            every=1.0,
        )
        self._drawn: object = None
        self.changed()

    def frame(self) -> pd.DataFrame:
        """Return a row per request, oldest first, with the columns of the view."""
        return self.model.frame()

    def har(self, path: str | Path = "requests.har") -> Path:
        """Write the requests as HAR 1.2, without secrets, and return where."""
        return self.model.har(path)

    def draw(self) -> None:
        """Draw the newest rows, if anything is new."""
        self.model.update()
        self._show()
        self.say(self._written or "Logging.")

    def text(self) -> str:
        """Return the last requests, oldest first, and the summary."""
        rows = self.frame()[["FROM", "METHOD", "STATUS", "MS", "BYTES", "URL"]]
        lines = [self.model.log.summary()]
        if len(rows) > LINES:
            lines.append(f"The last {LINES}:")
        if len(rows):
            shown = rows.tail(LINES).to_string(index=False, na_rep="-")
            lines += [line.rstrip() for line in shown.splitlines()]
        return "\n".join([*lines, UNSEEN])

    def stopping(self) -> None:
        """Close the log, and draw once more what came last."""
        self.model.stop()
        self._show()

    def _show(self) -> None:
        contains = self._filter.value.strip()
        found = self.model.log.newest(contains)
        rows = [_cells(entry) for entry in found[:SHOWN]]
        if (contains, rows) != self._drawn:
            self._drawn = contains, rows
            caption = _caption(len(found), self.model.log.total, contains)
            table = markup.table(_COLUMNS, rows, caption=caption)
            table = f'<div class="lab-wires">{table}</div>'
            self._table.value = markup.block(
                _STYLE + markup.scrolled(table, "Requests")
            )
            words = f"{self.model.log.summary()} {UNSEEN}"
            self._summary.value = markup.block(f"<p>{markup.text(words)}</p>")

    def _write(self) -> None:
        place = self.har()
        self._written = f"Logging. Written: {place}"
        self.say(self._written)


def _cells(entry: Entry) -> tuple:
    return (
        f"{datetime.fromtimestamp(entry.at):%H:%M:%S}",
        entry.source,
        entry.method,
        entry.url,
        f"{entry.status} {entry.reason}".strip() if entry.status else "no answer",
        # As a watch is, and a body that nobody has read to its end.
        "still open" if entry.milliseconds is None else f"{entry.milliseconds:,.0f}",
        "not known" if entry.size is None else f"{entry.size:,}",
    )


def _caption(found: int, everything: int, contains: str) -> str:
    if not everything:
        return "Nothing was sent yet."
    if not found:
        return f"No line contains {contains}."
    shown = f"The newest {SHOWN} of {found:,}" if found > SHOWN else f"{found:,}"
    one = found == 1
    fit = f" that {'fits' if one else 'fit'}" if contains else ""
    return f"{shown} {'request' if one else 'requests'}{fit}, newest first"
