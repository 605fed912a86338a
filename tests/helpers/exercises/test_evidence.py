"""Time decides on no answer: without evidence it stays undecided."""

import itertools

import pytest

from helpers import errors
from helpers.exercises import evidence


@pytest.fixture
def clock(monkeypatch):
    """Let each look take a second, on a machine that starts its cluster quickly."""
    monkeypatch.setattr(evidence, "time_limit", lambda seconds: seconds)
    seconds = itertools.count()
    monkeypatch.setattr("time.monotonic", lambda: next(seconds))
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr(evidence, "name_step", steps.append)
    steps.clear()


steps: list[str] = []


def test_evidence_ends_the_waiting(clock):
    looks = iter([(None, "Pending"), ("it runs", "Running")])
    assert evidence.wait_for_evidence(lambda: next(looks), "a pod") == "it runs"
    assert steps == ["waiting for a pod: Pending", "waiting for a pod: Running"]


def test_what_changes_is_waited_for_longer_than_what_stands_still(clock):
    counts = {}
    for kind, state in [("still", lambda _: "Pending"), ("moving", str)]:
        numbers = itertools.count()

        def look(state=state, numbers=numbers):
            return None, state(next(numbers))

        with pytest.raises(errors.Undecided) as undecided:
            evidence.wait_for_evidence(look, "a pod")
        assert undecided.value.what == "a pod"
        counts[kind] = next(numbers)
    assert "waits for a pod (Pending)" not in str(undecided.value)
    assert 2 * counts["still"] < counts["moving"] <= 90


def test_a_look_into_a_pod_is_repeated_a_number_of_times(monkeypatch):
    """Each takes as much longer as the machine is slower."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    looks = []
    assert evidence.look_often(lambda: looks.append(1) or "") == ""
    assert len(looks) == evidence.LOOKS
    assert evidence.look_often(lambda: "there") == "there"
