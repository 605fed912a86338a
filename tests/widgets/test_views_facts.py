"""What a view says is so at the moment when it says it; against a real API server."""

from datetime import UTC, datetime

from helpers import widgets
from helpers.watch import Event
from tests.local.waiting import until

TIMEOUT = 60.0


def test_a_busy_second_is_counted_whole(connected, monkeypatch):
    """However many events: 8,000 in one second are 8,000 in the plot."""
    plotted = []
    with widgets.live_pods(namespace="default") as view:
        until(lambda: view.model.listed, TIMEOUT, "the list is there")
        monkeypatch.setattr(
            "helpers.widgets.plots.lanes",
            lambda counts, *_, **__: plotted.append(counts) or "",
        )
        now = datetime.now(UTC)
        columns = [{"name": "Name", "priority": 0}]
        metadata = {"namespace": "default", "name": "busy"}
        row = {"cells": ["busy"], "object": {"metadata": metadata}}
        table = {"rows": [row], "columnDefinitions": columns}
        for _ in range(8000):
            view.model.hear(Event("MODIFIED", table, now))
        view.changed()
        until(
            lambda: plotted and sum(plotted[-1].get("MODIFIED", ())) == 8000,
            TIMEOUT,
            "all are counted",
        )
