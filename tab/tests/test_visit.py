"""The attempts at exercises outlive a visit."""

import pytest

from helpers.course import attempts
from tab.python import visit


@pytest.fixture(autouse=True)
def state(monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv(attempts.SETTING, "on")
    monkeypatch.setattr(visit, "_known", 0)


def test_attempts_of_an_earlier_visit_are_there_with_those_of_this_one():
    attempts.note("cluster-info", "predict_curl")
    first = visit.new_attempts()
    assert first.count("\n") == 1 and visit.new_attempts() == ""
    attempts.file().unlink()
    visit.write_attempts(first)
    attempts.note("cluster-info", "predict_statuses", "A: there is no number yet.")
    second = visit.new_attempts()
    assert second.count("\n") == 1
    assert attempts.file().read_text("utf-8") == first + second
    names = [attempt.exercise for attempt in attempts.read(attempts.file())]
    assert names == ["predict_curl", "predict_statuses"]


def test_a_first_visit_has_none():
    assert visit.new_attempts() == ""
    visit.write_attempts("")
    assert not attempts.file().exists()


def test_what_is_forgotten_does_not_come_back():
    attempts.note("cluster-info", "predict_curl")
    visit.write_attempts("")
    assert visit.new_attempts() == ""
