"""Waiting for an answer: it comes, it comes late, it does not come."""

import time
from types import SimpleNamespace

from cluster import progress, waiting


def test_an_answer_ends_the_waiting():
    """Nothing is asked twice that was answered once."""
    asked = iter(["", "", "yes", "never asked"])
    assert waiting.poll(lambda: next(asked), 5) == "yes"
    assert next(asked) == "never asked"


def test_without_an_answer_the_last_one_is_returned():
    """The caller says what that means, so it is no exception."""
    began = time.monotonic()
    assert waiting.poll(lambda: None, 0.3) is None
    assert 0.3 <= time.monotonic() - began < 5


def test_a_learner_is_told_what_takes_long(monkeypatch):
    """Short waits are silent; a long one says what for, and that it is over."""
    lines = []
    view = SimpleNamespace(update=lines.append, finish=lines.append)
    monkeypatch.setattr(progress, "for_here", lambda: view)
    assert waiting.poll(lambda: True, 1, what="nothing")
    assert lines == []
    monkeypatch.setattr(waiting, "QUIET", 0.0)
    asked = iter([False, False, True])
    assert waiting.poll(lambda: next(asked), 5, what="a pod")
    assert lines[0] == "waiting for a pod" and lines[-1] == "a pod: done"
