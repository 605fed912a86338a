"""Two things at once: one line for both, and none outlives the other's end."""

import threading

import pytest

from cluster.beside import Beside
from tests.progress import Notes

SOON = 60


def test_one_line_shows_both_until_the_other_has_ended():
    notes, said, go_on = Notes(), threading.Event(), threading.Event()

    def other(view):
        view.update("fetching")
        said.set()
        assert go_on.wait(SOON)
        view.finish("near enough")

    with Beside(notes) as view:
        view.update("building 1/2")
        view.begin(other)
        # Once.
        view.begin(lambda _: pytest.fail("begun twice"))
        assert said.wait(SOON)
        view.update("building 2/2")
        go_on.set()
    shown = ["building 1/2", "building 2/2; fetching", "near enough"]
    # What is said while the end waits depends on the moment.
    assert [line for line in notes.shown if line != "fetching"] == shown
    assert notes.kept == ["near enough"]


def test_an_interrupt_ends_the_other_at_its_next_word():
    before = threading.active_count()
    words, began = [], threading.Event()

    def other(view):
        for number in range(1_000_000):
            view.update(f"{number}")
            words.append(number)
            began.set()

    with pytest.raises(KeyboardInterrupt), Beside(Notes()) as view:
        view.begin(other)
        assert began.wait(SOON)
        raise KeyboardInterrupt
    assert 0 < len(words) < 1_000_000
    assert threading.active_count() == before


def test_what_goes_wrong_beside_does_not_end_the_one():
    notes = Notes()
    with Beside(notes) as view:
        view.begin(lambda side: side.update(1 / 0))
        view.update("building")
    assert notes.shown[-1] == "building"
