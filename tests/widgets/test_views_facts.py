"""What a view says is so at the moment when it says it; against a real API server."""

import threading
from datetime import UTC, datetime

import pytest

from cluster import errors
from helpers import widgets
from helpers.command import kubeconfig_in_use
from helpers.watch import Event
from tests.local.waiting import until
from tests.rbacserver import DEFAULT
from tests.widgets.manifests import pod

TIMEOUT = 60.0


@pytest.fixture
def seen(connected):
    """Yield the path of a pod that sees its labels."""
    connected.post(f"{DEFAULT}/pods", pod("seen"))
    yield f"{DEFAULT}/pods/seen"
    connected.caller().request("DELETE", f"{DEFAULT}/pods/seen")


@pytest.mark.parametrize(
    "opens", [widgets.downward_view, widgets.token_clock], ids=lambda one: one.__name__
)
def test_without_kubectl_nothing_begins(seen, opens, monkeypatch):
    """The error of the cell says what to do, and no thread goes on behind it."""
    before = set(threading.enumerate())
    monkeypatch.setattr("helpers.command._programs", None)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(errors.MissingTool):
        opens("seen")
    assert before.issuperset(threading.enumerate())


def test_a_refusal_is_said_as_long_as_it_is_true(seen, connected):
    """Another text in the field, or another label, and it is about the past."""
    with widgets.downward_view("seen") as view:
        until(lambda: view.model.value == "bar", TIMEOUT, "the label is heard")
        view._value.value = "two words"
        view._set.click()
        until(lambda: "refuses it" in view.said, TIMEOUT, "it is refused")
        view._value.value = "bar"
        until(lambda: "refuses it" not in view.said, TIMEOUT, "another text")
        view._set.click()
        until(lambda: "is 'bar' already" in view.said, TIMEOUT, "it has that value")
        labels = {"metadata": {"labels": {"foo": "other"}}}
        connected.caller().request("PATCH", seen, body=labels)
        until(lambda: "already" not in view.said, TIMEOUT, "another label")


def test_a_watch_that_is_refused_is_not_tried_again(seen, connected, monkeypatch):
    """And the view does not say that it is."""
    token = connected.token("half")
    connected.allow("half", "pods", "get", "list")
    place = kubeconfig_in_use().with_name("half")
    place = connected.kubeconfig(place, token=token)
    monkeypatch.setattr("helpers.command._kubeconfig", place)
    with widgets.downward_view("seen") as view:
        until(lambda: view.said.startswith("The server refuses"), TIMEOUT, "told")
        assert "cannot watch" in view.said and "again" not in view.said
        until(lambda: not view._watch.running, TIMEOUT, "it ends")


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
