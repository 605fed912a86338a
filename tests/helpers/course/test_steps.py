"""A check that takes long says what it does, and the words go when it ends."""

import io
import threading

import pytest

from cluster import progress
from cluster.tests.waiting import until
from cluster.waiting import poll
from helpers.course import steps


class View(progress.Silent):
    """Keep what is shown."""

    def __init__(self):
        self.seen, self.cleared = [], False

    def update(self, message, detail=""):
        self.seen.append(message)

    def clear(self):
        self.cleared = True


@pytest.fixture
def view(monkeypatch):
    """Yield what a learner sees of a check, which seems to take long at once."""
    view = View()
    monkeypatch.setattr(steps, "QUIET", 0.0)
    monkeypatch.setattr(steps, "PAUSE", 0.01)
    with progress.of_whole(view):
        yield view


def test_a_step_is_shown_while_it_takes_long_and_then_removed(view):
    """Although the thread of the check waits: another one shows it."""
    with steps.show_steps():
        until(lambda: view.seen == ["checking your answer"] * len(view.seen) != [])
        steps.name_step("sending requests")
        until(lambda: view.seen[-1] == "sending requests")
        assert not view.cleared
    assert view.cleared
    assert view.seen[-1] == "sending requests"
    assert not any(one.name == "steps" for one in threading.enumerate())


def test_what_is_waited_for_is_a_step_and_leaves_no_line(view, monkeypatch):
    monkeypatch.setattr("cluster.waiting.QUIET", 0.0)
    with steps.show_steps():
        looks = iter([0, 0, 0])
        poll(lambda: next(looks, 1), 5, what="the pod", pause=0.05)
        until(lambda: view.seen[-1] == "waiting for the pod")
    assert not any("done" in line for line in view.seen)


def test_a_check_that_fails_or_is_quick_shows_nothing_afterwards(view, monkeypatch):
    monkeypatch.setattr(steps, "QUIET", 60.0)
    with pytest.raises(ValueError), steps.show_steps():
        raise ValueError
    assert not view.seen and view.cleared
    steps.name_step("nobody reads this")
    assert not view.seen


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self):
        return True


def test_a_line_of_a_terminal_is_written_over():
    screen = Screen()
    line = progress.Terminal(screen)
    line.clear()
    assert not screen.getvalue()
    line.update("checking")
    shown = screen.getvalue().strip("\r")
    line.clear()
    assert screen.getvalue() == f"\r{shown}\r{' ' * len(shown)}\r"


def test_an_output_of_a_notebook_is_emptied(monkeypatch):
    """An update without any form takes no room, and the page keeps no words."""
    sent = []

    class Handle:
        def update(self, bundle, raw):
            sent.append(bundle)

    def display(bundle, **_):
        sent.append(bundle)
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    output = progress.Notebook()
    output.clear()
    assert not sent
    output.update("checking")
    output.clear()
    assert [*map(bool, sent)] == [True, False]
    assert sent[1] == {}
