"""The attempts at exercises outlive a visit."""

import pytest

from helpers.course import attempts
from tab.python import visit


@pytest.fixture(autouse=True)
def state(monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv(attempts.SETTING, "on")


def test_attempts_of_an_earlier_visit_are_there_with_those_of_this_one():
    attempts.note("cluster-info", "predict_curl")
    first = visit.read_attempts()
    attempts.file().unlink()
    visit.write_attempts(first)
    attempts.note("cluster-info", "predict_statuses", "A: there is no number yet.")
    text = visit.read_attempts()
    assert text.startswith(first) and text.count("\n") == 2
    names = [attempt.exercise for attempt in attempts.read(attempts.file())]
    assert names == ["predict_curl", "predict_statuses"]


def test_a_first_visit_has_none():
    assert visit.read_attempts() == ""
    visit.write_attempts("")
    assert not attempts.file().exists()


def test_what_is_forgotten_does_not_come_back():
    attempts.note("cluster-info", "predict_curl")
    visit.write_attempts("")
    assert visit.read_attempts() == ""
