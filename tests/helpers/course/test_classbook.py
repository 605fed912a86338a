"""Files of a class become a table of its learners, and a table of exercises."""

import csv
import io
import json

import pytest

from cluster.tests.commandline import helpers
from helpers import errors
from helpers.course import attempts, classbook
from helpers.course.attempts import Attempt
from helpers.course.exam import REPAIRS, draw_faults
from tests.helpers.course.test_board import COURSE


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


def test_grades_have_a_row_for_each_learner_and_their_sum(tmp_path, monkeypatch):
    monkeypatch.setattr(classbook, "lessons", lambda: COURSE)
    lines = {
        "ann": [line(1, "pull"), line(2, "push"), line(3, "push"), line(4, "former")],
        "ben": [line(1, "pull", "no"), line(2, "greet")],
    }
    files = [tmp_path / f"{name}.jsonl" for name in lines]
    for file in files:
        file.write_text("".join(lines[file.stem]))
    table = [*csv.reader(io.StringIO(classbook.grades(files)))]
    assert table == [
        ["username", "00-start", "01-more", "11-deep", "total"],
        ["ann", "0", "2", "0", "2"],
        ["ben", "1", "0", "0", "1"],
    ]


def test_grades_and_items_are_two_tables(tmp_path):
    for other in ("--items", "--exams"):
        done = helpers("collect", "--grades", other, tmp_path / "ann.jsonl")
        assert done.returncode == 2 and "are two tables: choose one" in done.stderr


def test_steps_of_an_exam_are_no_exercises_of_a_class(tmp_path):
    file = tmp_path / "ann.jsonl"
    file.write_text(line(1, "begun", result={"seed": 7}))
    assert ",begun," not in classbook.collect([file])
    assert "begun" not in classbook.items([file])


def exam(second, step, **result):
    return line(second, step, result={"seed": 7, **result}, lesson="exam")


def test_exams_say_points_minutes_and_what_was_shown(tmp_path):
    """One in the middle has its points so far; one that was only chosen is none."""
    key = "".join(fault.answer for fault in draw_faults(7))
    begun = [exam(0, "begun"), exam(600, "named", answers=key)]
    last = [exam(900 + n, "repaired", copy=copy) for n, copy in enumerate(REPAIRS)]
    shown = [exam(0, "begun"), exam(60, "named", answers=""), *last]
    given_up = [*begun, exam(700, "mended", copy=REPAIRS[0]), *last[1:]]
    lines = {
        "ann": [*begun, *last],
        "ben": begun,
        "cem": shown,
        "dee": given_up,
        "eva": [exam(0, "chosen"), line(5, "push")],
    }
    for name, noted in lines.items():
        (tmp_path / f"{name}.jsonl").write_text("".join(noted))
    files = sorted(tmp_path.iterdir())
    table = [*csv.reader(io.StringIO(classbook.exams(files)))]
    assert table == [
        ["learner", "seed", "points", "minutes", "finished", "revealed"],
        ["ann", "7", "24", "15", "yes", "no"],
        ["ben", "7", "16", "10", "no", "no"],
        ["cem", "7", "8", "15", "yes", "yes"],
        ["dee", "7", "22", "15", "yes", "no"],
    ]
    done = helpers("collect", "--exams", *files, check=True)
    assert [*csv.reader(io.StringIO(done.stdout))] == table


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
