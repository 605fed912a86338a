"""A cluster that was slow to start gets more time, and what was asked for is kept."""

import json

import pytest

from cluster.controlplane.backend import ControlPlane
from cluster.local.backend import Local
from cluster.machine.slowness import slowness
from helpers import command

BEGAN = 1_700_000_000.0
#: seconds of a start on an idle machine, and the most that a wait may take instead of
#: one: measured, and so not taken from what is tested
IDLE, MOST = 5.0, 4.0


def status(ready: float | None, node: float | None = None, **fields) -> dict:
    """Return what a cluster says that was ready after so many times an idle start."""
    after = {name: at and BEGAN + at * IDLE for name, at in (("", ready), ("n", node))}
    part = {"state": "running", "pid": 1, "restarts": 0, "last_exit": None}
    components = {"node": {**part, "since": after["n"], **fields}} if node else {}
    whole = {"phase": "ready", "awaited": [], "failed": None, "problem": None}
    return whole | {"began": BEGAN, "ready_at": after[""], "components": components}


@pytest.mark.parametrize(
    ("said", "times"),
    [
        (status(0.5), 1.0),
        (status(2.0), 2.0),
        (status(3.9), 3.9),
        (status(1000), MOST),
        (status(None), 1.0),
        (status(1.0, node=3.0), 3.0),
        (status(1.0, node=3.0, state="starting"), 1.0),
        (status(1.5, node=5.0, restarts=1), 1.5),
        # The clock was set while it started.
        (status(-5), 1.0),
    ],
)
def test_the_factor_is_what_the_start_took_within_bounds(said, times):
    assert slowness(said) == pytest.approx(times)


@pytest.mark.parametrize("backend", [Local, ControlPlane])
def test_a_wait_is_scaled_by_what_the_cluster_says(backend, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "_backend", backend(tmp_path))
    said = tmp_path / "run" / "status.json"
    said.parent.mkdir()
    said.write_text(json.dumps(status(2.0, node=4.0)))
    assert command.time_limit(10.0) == pytest.approx(40.0)
    assert command.time_limit(10.0, 3.0) == 3.0 and command.time_limit(10.0, 0.0) == 0.0
    said.write_text("damaged")
    assert command.time_limit(10.0) == 10.0


def test_without_a_cluster_nothing_is_scaled(monkeypatch):
    monkeypatch.setattr(command, "_backend", None)
    assert command.time_limit(10.0) == 10.0
