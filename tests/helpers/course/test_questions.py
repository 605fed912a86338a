"""Ten questions, before and after: first answers count, and the board has the gain."""

import tomllib

import pytest

from helpers import errors, ten_questions
from helpers.course import attempts, board, questions
from helpers.course.questions import QUESTIONS
from tests.notebooks import ROOT

RIGHT = "".join(right for _, right, _ in QUESTIONS)
#: the exercise whose wrong answer each question is made of, and what that contains
DRAWN = (
    ("00-start-here/label-check", "--dry-run=server"),
    ("01-pod-metadata/own-check", "divisor: 1m"),
    ("02-cluster-info/curl-check", '"C": 401'),
    ("02-cluster-info/curl-check", '"D": 401'),
    ("03-kubectl-proxy/predict-check", "services/namespaces"),
    ("04-batch-api/group-check", "v2/namespaces/default/horizontal"),
    ("05-inside-a-pod/predict-check", "'A': 403"),
    ("06-be-allowed/role-check", "--serviceaccount=default:curl"),
    ("06-be-allowed/symptoms-check", '"E": "5T"'),
    ("07-client-library/suspend-check", "suspend = True"),
)


@pytest.fixture
def noted(tmp_path, monkeypatch):
    """Let a learner's answers be noted in an empty directory."""
    monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path))
    monkeypatch.delenv(attempts.SETTING)


def test_there_are_ten_of_both_kinds_from_answers_that_were_given():
    file = ROOT / "tests/helpers/exercises/checks/answers.toml"
    answers = tomllib.loads(file.read_text("utf-8"))
    assert len(QUESTIONS) == len(DRAWN) == 10
    assert 3 <= RIGHT.count("T") <= 7
    for (text, _, lesson), (exercise, part) in zip(QUESTIONS, DRAWN, strict=True):
        rows = [*answers[exercise]["answers"], *answers[exercise]["working"]]
        assert exercise[:2] == lesson, text
        assert any(part in str(row[0]) for row in rows), text


def test_without_answers_the_statements_are_shown(noted):
    shown = f"{ten_questions(before='')}"
    assert [line.partition(".")[0] for line in shown.splitlines()[:-1]] == [
        *map(str, range(1, 11))
    ]
    assert not attempts.file().exists()


@pytest.mark.parametrize("answers", ["T", "TFTFTFTFTFT", "TFTFTFTFTX", "TRUE FALSE!"])
def test_what_is_not_ten_letters_is_refused_in_one_line(noted, answers):
    with pytest.raises(errors.LabError) as refused:
        ten_questions(before=answers)
    assert f"{refused.value}" == (
        f"{answers!r} is not ten letters, each of them T, F or ?."
    )
    assert not attempts.file().exists()


def test_the_first_answers_count_and_the_board_shows_the_gain(noted):
    said = "Your first answers are noted. Lesson 08 asks the same again."
    assert ten_questions(before="?" * 10) == said
    assert ten_questions(before=RIGHT) == said
    gain = "Ten questions: 0 right before the lessons, 9 after them."
    wrong = ("F" if RIGHT[0] == "T" else "T") + RIGHT[1:]
    said = f"{gain}\nLook again (lesson): 1 (00)."
    assert ten_questions(after=f"{wrong[:5]} {wrong[5:].lower()}") == said
    assert ten_questions(after=RIGHT) == said
    assert gain in repr(board.progress()) and gain in board.progress()._repr_html_()
    assert gain not in repr(board.progress("08"))


def test_only_the_second_time_is_told_as_it_is(noted):
    assert ten_questions(after=RIGHT) == "Ten questions: 10 right."
    assert board.progress().results == ("Ten questions: 10 right.",)


@pytest.mark.parametrize("letters", [None, 3, "TF", ["T"] * 10])
def test_a_damaged_line_is_left_out(noted, letters):
    attempts.note(questions.TOPIC, questions.BEFORE, result={"letters": letters})
    ten_questions(before=RIGHT)
    assert questions.first_answers() == {questions.BEFORE: RIGHT}
