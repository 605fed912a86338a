"""Solved exercises are noted by checks, kept by `delete`, and shown on the board."""

import csv
import io
import json
import re
import stat
import subprocess
import sys
from dataclasses import replace

import pytest

from cluster import statedir
from cluster.machine import storage
from cluster.tests.commandline import helpers
from helpers import errors
from helpers.course import Lesson, attempts, board, classbook, lessons
from helpers.course.attempts import Attempt, BadLine
from tests.notebooks import ROOT

WRITER = """
import sys
from helpers.course.attempts import note
for number in range(200):
    note("some-lesson", f"from_{sys.argv[1]}_{number}", "x" * 5000)
"""


@pytest.fixture
def state(tmp_path, monkeypatch):
    """Return a state directory that is not there yet, for answers of a learner."""
    monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv(attempts.SETTING, raising=False)
    return tmp_path / "state"


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
        "",
        after,
    )


COURSE = (
    lesson("00-start", "greet"),
    lesson("01-more", "pull", "push"),
    lesson("11-deep", "dig", after=("01-more",), minutes=15),
    lesson("12-empty", after=("01-more",)),
)


def noted():
    return attempts.read(attempts.file())


# --- The file ---------------------------------------------------------------------


def test_what_runs_solutions_notes_nothing(state, monkeypatch):
    monkeypatch.setenv(attempts.SETTING, "off")
    attempts.note("some-lesson", "guess")
    assert not state.exists()


def test_two_kernels_at_once_lose_nothing(state):
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(number)], cwd=ROOT)
        for number in range(2)
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert {each.exercise for each in noted()} == {
        f"from_{writer}_{number}" for writer in range(2) for number in range(200)
    }


def test_a_line_that_broke_off_takes_no_other_with_it(state):
    attempts.note("some-lesson", "first")
    whole = attempts.file().read_bytes()
    attempts.file().write_bytes(whole + whole[:20])
    attempts.note("some-lesson", "second")
    first, torn, second = noted()
    assert (first.exercise, second.exercise) == ("first", "second")
    assert torn == BadLine(2, "it is not JSON")


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe",
        b"[" * 100_000,
        b"[1]",
        b'{"time": true, "lesson": "a", "exercise": "b", "diagnosis": ""}',
        b'{"time": 1e400, "lesson": "a", "exercise": "b", "diagnosis": ""}',
        b'{"time": -1, "lesson": "a", "exercise": "b", "diagnosis": ""}',
        b'{"time": 253402300800, "lesson": "a", "exercise": "b", "diagnosis": ""}',
        b'{"time": 1, "lesson": "=cmd()", "exercise": "b", "diagnosis": ""}',
        b'{"time": 1, "lesson": "a", "exercise": "b\\n", "diagnosis": ""}',
        b'{"time": 1, "lesson": "a", "exercise": "b"}',
    ],
    ids=range(10),
)
def test_what_no_check_has_written_is_a_bad_line(state, line):
    state.mkdir()
    attempts.file().write_bytes(line + b"\n")
    [bad] = noted()
    assert bad.number == 1 and bad.reason


def test_a_file_that_cannot_be_written_is_said_and_stops_nobody(state, capsys):
    state.write_text("a file, not a directory")
    attempts.note("some-lesson", "guess")
    assert capsys.readouterr().err.startswith(
        f"This attempt is not noted in {attempts.file()}: "
    )


def test_a_removed_cluster_leaves_it_behind(state):
    """And the directory is ours still: the next start takes it."""
    statedir.make(state)
    (state / "etcd").mkdir()
    attempts.note("some-lesson", "guess")
    assert statedir.has_more(state)
    storage.remove_state(state)
    assert [path.name for path in state.iterdir()] == ["progress.jsonl"]
    assert not statedir.has_more(state)
    statedir.make(state)
    attempts.file().unlink()
    storage.remove_state(state)
    assert not state.exists()


def test_delete_has_nothing_to_do_where_only_it_is_left(state):
    attempts.note("some-lesson", "guess")
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    done = helpers("delete", "--yes")
    assert (done.returncode, done.stdout) == (0, "nothing to delete\n")
    assert [each.exercise for each in noted()] == ["guess"]


# --- The board --------------------------------------------------------------------


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
    """Of lessons that are done; one without an exercise is not."""
    done = (lesson("00-a", "a", minutes=minutes), lesson("01-b", minutes=30))
    assert f", {said} of " in board.board(done, {"a"}).total


def test_columns_are_straight_in_korean(monkeypatch):
    """A letter of Hangul takes two columns."""
    monkeypatch.setenv("LAB_LANG", "ko")
    lines = repr(board.board(lessons(), set())).splitlines()
    rows = [line for line in lines if re.match(r"\d\d ", line)]
    ends = {board._columns(re.match(r".*?  +\d+(?=  )", row)[0]) for row in rows}
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


def test_the_command_prints_the_board(state):
    done = helpers("progress", check=True)
    assert done.stdout.splitlines()[0].split() == [*board._COLUMNS]
    assert max(map(len, done.stdout.splitlines())) <= 80
    found = json.loads(helpers("progress", "--json", check=True).stdout)
    assert [each["lesson"] for each in found["lessons"]] == [
        each.name for each in lessons()
    ]
    assert found["finished"] is False


# --- A class ----------------------------------------------------------------------


def test_rows_count_attempts_until_the_first_pass(monkeypatch):
    monkeypatch.setattr(classbook, "lessons", lambda: COURSE)
    tried = [
        Attempt(10, "more", "push", "no"),
        Attempt(20, "more", "push", ""),
        Attempt(30, "more", "push", "no"),
        Attempt(40, "more", "pull", "no"),
        Attempt(50, "gone", "former", ""),
    ]
    assert classbook.rows(tried) == [
        ("00-start", "greet", "no", 0, ""),
        ("01-more", "pull", "no", 1, ""),
        ("01-more", "push", "yes", 2, "1970-01-01T00:00:20Z"),
        ("11-deep", "dig", "no", 0, ""),
        ("gone", "former", "yes", 1, "1970-01-01T00:00:50Z"),
    ]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("handed-in/ann.jsonl", "ann"),
        ("handed-in/ann/progress.jsonl", "ann"),
        ("ann/.local/state/kubernetes-api-notebooks/progress.jsonl", "ann"),
        ("=HYPERLINK(1).jsonl", "HYPERLINK(1)"),
    ],
)
def test_a_file_says_whose_it_is(tmp_path, path, name):
    assert classbook.learner(tmp_path / path) == name


def test_collect_prints_one_table_of_all_learners(state, tmp_path):
    attempts.note("some-lesson", "some_exercise")
    files = [tmp_path / f"{name}.jsonl" for name in ("ann", "ben")]
    for file in files:
        file.write_bytes(attempts.file().read_bytes())
    done = helpers("collect", *files, check=True)
    table = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [*table[0]] == [*classbook.COLUMNS]
    passed = [row["learner"] for row in table if row["passed"] == "yes"]
    assert passed == ["ann", "ben"]


def line(seconds, name, diagnosis="", **more):
    entry = {"time": seconds, "lesson": "more", "exercise": name}
    return json.dumps(entry | {"diagnosis": diagnosis} | more) + "\n"


def test_items_say_what_a_class_found_hard(tmp_path, monkeypatch):
    """Each learner counts once, for the first try and for each sentence."""
    monkeypatch.setattr(classbook, "lessons", lambda: COURSE)
    tried = {
        "ann": [("push", "a"), ("push", "a"), ("push", ""), ("pull", "")],
        "ben": [("push", ""), ("push", "d")],
        "cem": [("push", "b"), ("push", "a"), ("push", "c")],
        "dee": [],
    }
    for name, tries in tried.items():
        text = "".join(line(second, *each) for second, each in enumerate(tries))
        (tmp_path / f"{name}.jsonl").write_text(text)
    table = classbook.items(sorted(tmp_path.iterdir()))
    assert [*csv.reader(io.StringIO(table))] == [
        [*classbook.ITEMS],
        ["00-start", "greet", "0", "", "", "", ""],
        ["01-more", "pull", "1", "100", "", "", ""],
        ["01-more", "push", "3", "33", "2: a", "1: b", "1: c"],
        ["11-deep", "dig", "0", "", "", "", ""],
    ]


def test_items_is_an_option_of_collect(state, tmp_path):
    file = tmp_path / "ann.jsonl"
    file.write_text(line(1, "label_namespace", "no") + line(2, "label_namespace"))
    done = helpers("collect", "--items", file, check=True)
    first = next(csv.DictReader(io.StringIO(done.stdout)))
    assert (first["exercise"], first["first_try"]) == ("label_namespace", "0")
    assert first["diagnosis_1"] == "1: no"
    file.write_text("{\n")
    done = helpers("collect", "--items", file)
    assert done.returncode == 1 and "line 1: it is not JSON" in done.stderr


def test_steps_of_an_exam_are_no_exercises_of_a_class(tmp_path):
    file = tmp_path / "ann.jsonl"
    file.write_text(line(1, "begun", result={"seed": 7}))
    assert ",begun," not in classbook.collect([file])
    assert "begun" not in classbook.items([file])


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (None, "does not exist"),
        ("\n{\n", "line 2: it is not JSON"),
        ('{"time": 1, "lesson": "a", "exercise": 2}\n', "line 1: `exercise` is not"),
    ],
)
def test_collect_names_file_and_line_of_what_it_cannot_read(tmp_path, lines, said):
    file = tmp_path / "ann.jsonl"
    if lines:
        file.write_text(lines)
    done = helpers("collect", file)
    assert done.returncode == 1 and done.stdout == ""
    assert f"{file}" in done.stderr and said in done.stderr


def test_two_files_of_one_learner_are_not_mixed_up(tmp_path):
    for place in ("monday", "friday"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "ann.jsonl").write_text("")
    with pytest.raises(errors.LabError, match="both of a learner ann"):
        classbook.collect(sorted(tmp_path.glob("*/ann.jsonl")))
