"""Lessons in Chromium, with a cluster and Python in one tab, to their last cell."""

import pytest

from helpers.course import Lesson, lessons
from tab import build
from tools import course
from tools.proofs import proof_faults
from website.lessons_in_tab import read, start_tab

pytestmark = [
    pytest.mark.full("a cluster and Python in a browser"),
    pytest.mark.skipif(
        build.find() is None,
        reason="the program for the browser is not here. Run: python -m tab.build",
    ),
    pytest.mark.timeout(1800),
]


def lesson_of(number: str) -> Lesson:
    """Return the lesson with this number."""
    [lesson] = [lesson for lesson in lessons() if lesson.number == number]
    return lesson


#: of the deeper lessons, one for each way out of Python in a tab: TLS by its sockets, a
#: watch in a thread, what a command asks as somebody else, containers side by side, and
#: an answer of megabytes
DOORS = ("12", "15", "16", "19", "24")
#: lessons that pass in each cell without a tag `not-in-tab: …`
NUMBERS = [
    number
    if number in DOORS or lesson_of(number).is_core
    else pytest.param(number, marks=pytest.mark.machines("what its door proves"))
    for number in course.numbers_in_tab().split(", ")
]


@pytest.fixture(scope="module")
def tab(browser):
    """Return a tab that is ready."""
    with start_tab(browser) as ready:
        yield ready


@pytest.mark.parametrize("number", NUMBERS)
def test_each_cell_of_a_lesson_passes(tab, number):
    lesson = lesson_of(number)
    notebook = read(lesson)
    rows = tab.run_lesson(notebook, lesson)
    assert [row for row in rows if row["error"]] == []
    assert [*proof_faults(notebook.cells)] == []


def test_a_lesson_runs_once_more_in_the_same_tab(tab):
    """Python died of it when it collected its garbage while calls waited."""
    for _ in range(2):
        lesson = lesson_of("16")
        rows = tab.run_lesson(read(lesson), lesson)
        assert [row for row in rows if row["error"]] == []
