"""The live table of pods, against a real API server."""

import pytest

from cluster import errors
from helpers import kubectl, widgets
from tests.running import run, sleeper
from tests.waiting import until

SECONDS = 60.0


def test_it_follows_what_happens(namespace):
    """An empty namespace, a pod that comes, runs and goes; text, rows and events."""
    with widgets.live_pods() as view:
        until(lambda: "No pods yet" in view._table.value, SECONDS, "the list is drawn")
        assert "0 pods." in view.text()
        run(sleeper("hello", labels={"greeting": "hi"}))
        until(lambda: "Running" in view.text(), SECONDS, "Running is heard")
        [row] = view.frame().to_dict("records")
        assert (row["NAME"], row["READY"]) == ("hello", "1/1")
        printed = kubectl("get", "pods").stdout.split("\n")[0].split()
        assert [c for c in view.frame() if c in printed] == printed
        until(lambda: ">Running<" in view._table.value, SECONDS, "it is drawn")
        kubectl("delete", "pod", "hello")
        view.wait_for("DELETED", "hello")
        types = list(view.events().query("OBJECT == 'hello'")["TYPE"])
        assert (types[0], types[-1]) == ("ADDED", "DELETED")
        assert len(view.frame()) == 0
        until(lambda: "1 DELETED" in view._events.value, 10, "it is counted")
    assert not view._watch.running


def test_what_does_not_come_is_an_error(namespace):
    """It says what was awaited."""
    with widgets.live_pods() as view, pytest.raises(errors.NotReady) as failed:
        view.wait_for("ADDED", "nobody", timeout=0.1)
    assert "ADDED of pod nobody" in str(failed.value)
