"""The board shows which exercises are solved, and the next lesson."""

import json
import re
from dataclasses import replace

import pytest

from cluster.progress import columns
from cluster.tests.commandline import helpers
from helpers import errors
from helpers.course import Lesson, attempts, board, exam, lessons
from tests.notebooks import ROOT


def lesson(name, *exercises, after=(), minutes=20):
    return Lesson(
        name,
        name[3:].title(),
        "",
        [],
        "",
        [],
        minutes,
        False,
        list(exercises),
        [],
        after=after,
    )


COURSE = (
    lesson("00-start", "greet"),
    lesson("01-more", "pull", "push"),
    lesson("11-deep", "dig", after=("01-more",), minutes=15),
    lesson("12-empty", after=("01-more",)),
)


@pytest.mark.parametrize(
    ("solved", "go_on", "finished"),
    [
        (set(), "Next: 00-start", False),
        ({"greet", "push", "unknown"}, "Next: 01-more", False),
        ({"pull", "push"}, "Next: 00-start", False),
        ({"greet", "pull", "push"}, "A deeper lesson to go on with: 11-deep", True),
        (
            {"greet", "pull", "push", "dig"},
            "You have finished the chapter, and all deeper",
            True,
        ),
    ],
)
def test_the_board_says_where_to_go_on(solved, go_on, finished):
    """Core lessons first; the chapter is finished when they are done."""
    shown = board.board(COURSE, solved)
    assert go_on in shown.go_on and shown.finished == finished
    assert ("You have finished the chapter" in shown.go_on) == finished


def test_what_is_optional_keeps_nobody_from_going_on():
    """An optional exercise counts when solved; the lesson is done without it."""
    course = (replace(COURSE[1], optional=("push",)),)
    [row] = board.board(course, {"pull"}).rows
    assert row.done and row.cells[-1] == "1 of 2 ✓"
    [row] = board.board(course, {"push"}).rows
    assert not row.done and row.cells[-1] == "1 of 2"


def test_the_board_has_three_forms_that_agree():
    shown = board.board(COURSE, {"greet", "pull"})
    assert repr(shown).splitlines() == [
        "LESSON          MINUTES  SOLVED",
        "",
        "Core lessons",
        "00 Start             20  1 of 1 ✓",
        "01 More              20  1 of 2",
        "",
        "Deeper lessons",
        "11 Deep              15  0 of 1",
        "12 Empty             20  –",
        "",
        "2 of 3 core exercises, 20 min of 40 min.",
        "Next: 01-more, “More” (20 minutes).",
    ]
    page = shown._repr_html_()
    assert page.count('<th scope="row"') == 4 and "1 of 1 ✓" in page
    assert page.count("<tbody>") == page.count('<th scope="rowgroup"') == 2
    assert "2 of 3 core exercises" in page
    one = replace(shown, rows=shown.rows[:1])
    assert repr(one) == "00-start: 1 of 1 ✓ · Next: 01-more, “More” (20 minutes)."
    assert one._repr_html_() == f"<p>{repr(one)}</p>"
    assert json.loads(shown.json())["lessons"][1]["solved"] == 1


def test_a_lesson_that_is_not_there_is_said_in_one_line(state, monkeypatch):
    """With those that are: an empty board would say `0 of 0`."""
    assert [row.lesson for row in board.progress("03").rows] == ["03-kubectl-proxy"]
    with pytest.raises(errors.LabError) as caught:
        board.progress("99")
    assert str(caught.value).startswith(
        "There is no lesson '99'. There are 00, 01, 02, 03, 04, 05, 06, 07, 08, 09, 11"
    )
    monkeypatch.setenv("LAB_LANG", "ko")
    with pytest.raises(errors.LabError, match="'99': 그런 레슨은 없다. 레슨 번호: 00,"):
        board.progress("99")


@pytest.mark.parametrize(
    ("minutes", "said"), [(0, "0 min"), (59, "59 min"), (60, "1 h 0 min")]
)
def test_minutes_are_hours(minutes, said):
    """In lessons that are done; one without an exercise is not."""
    done = (lesson("00-a", "a", minutes=minutes), lesson("01-b", minutes=30))
    assert f", {said} of " in board.board(done, {"a"}).total


def test_columns_are_straight_in_korean(monkeypatch):
    """A letter of Hangul takes two columns."""
    monkeypatch.setenv("LAB_LANG", "ko")
    lines = repr(board.board(lessons(), set())).splitlines()
    rows = [line for line in lines if re.match(r"\d\d ", line)]
    ends = {columns(re.match(r".*?  +\d+(?=  )", row)[0]) for row in rows}
    assert len(rows) == len(lessons()) and len(ends) == 1


@pytest.mark.parametrize(("folder", "up"), [("", ""), ("deeper", "../")])
def test_the_board_leads_on_from_any_notebook(monkeypatch, folder, up):
    """A kernel's directory is the notebook's; elsewhere there is no link."""
    shown = board.board(lessons(), set())
    assert "<a " not in shown._repr_html_()
    monkeypatch.chdir(ROOT / "notebooks" / folder)
    page = shown._repr_html_()
    assert page.count("<a ") == len(lessons()) + 1
    assert f'Next: <a href="{up}00-start-here.ipynb">' in page
    assert f'<a href="{up}deeper/12-certificates.ipynb">12 ' in page


@pytest.mark.parametrize(("folder", "up"), [("ko", ""), ("deeper", "../")])
def test_in_a_tab_it_leads_to_the_pages_of_the_site(monkeypatch, tmp_path, folder, up):
    """None of the files is there: the pages are beside that of the lesson."""
    (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / folder)
    monkeypatch.setattr("sys.platform", "emscripten")
    page = board.board(lessons(), set())._repr_html_()
    assert page.count("<a ") == len(lessons()) + 1
    assert f'<a href="{up}deeper/12-certificates.ipynb">12 ' in page


def test_a_damaged_file_is_read_as_far_as_it_can_be(state):
    first, *_ = [name for each in lessons() for name in each.exercises] or ["none"]
    attempts.note("some-lesson", first)
    with attempts.file().open("a") as file:
        file.write("{\n")
    assert "1 line of " in repr(board.progress())


def test_a_step_of_the_exam_is_no_exercise_that_is_solved(state):
    """Even if it is called like one: it has points, and a sentence of its own."""
    first, *_ = lessons()[0].exercises
    attempts.note("exam", first, result={"seed": 7})
    assert board.progress("00").rows[0].solved == 0
    attempts.note("start-here", first)
    assert board.progress("00").rows[0].solved == 1


def test_the_board_reads_the_file_once(state, monkeypatch):
    """Its three parts are of one moment, though a check may run meanwhile."""
    read, times = attempts.read, []
    monkeypatch.setattr(attempts, "read", lambda file: times.append(file) or read(file))
    attempts.note("ten-questions", "after", result={"letters": "TTTTTTTTTT"})
    assert board.progress().results
    assert times == [attempts.file()]


def test_the_board_keeps_the_best_exam(state):
    """It counts those that are finished, and whose answers were not shown first."""

    def take(seed, answers, repairs=exam.REPAIRS):
        steps = [(exam.BEGUN, {}), (exam.NAMED, {"answers": answers})]
        steps += [(exam.REPAIRED, {"copy": copy}) for copy in repairs]
        for step, result in steps:
            attempts.note(exam.TOPIC, step, result={"seed": seed, **result})

    best = "Your best exam: 42, 24 of 24 points."
    take(42, "".join(one.answer for one in exam.draw_faults(42)))
    results = board.progress().results
    assert results[0].startswith("Exam 42: 24 of 24 points") and best not in results
    take(77, "9X" * 8)
    results = board.progress().results
    assert results[0].startswith("Exam 77: 8 of 24 points") and results[1] == best
    # Neither one that is not finished, nor one whose answers were shown.
    take(5, "".join(one.answer for one in exam.draw_faults(5)), repairs=())
    assert best in board.progress().results
    take(42, "")
    assert exam.best_exam().seed == 42 and exam.best_exam().points == 24


def test_the_command_prints_the_board(state):
    done = helpers("progress", check=True)
    assert done.stdout.splitlines()[0].split() == [*board._COLUMNS]
    assert max(map(len, done.stdout.splitlines())) <= 80
    found = json.loads(helpers("progress", "--json", check=True).stdout)
    assert [each["lesson"] for each in found["lessons"]] == [
        each.name for each in lessons()
    ]
    assert found["finished"] is False
