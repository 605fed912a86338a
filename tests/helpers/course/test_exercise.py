"""Exercises: what a notebook holds of them, how they are judged and what is noted."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import httpx
import nbformat
import numpy
import pytest
import urllib3

from helpers import errors
from helpers.course import attempts, exercise


def cell(kind, name, source, *tags):
    metadata = {"tags": list(tags)} if tags else {}
    return {"cell_type": kind, "id": name, "metadata": metadata, "source": source}


SOLUTION = """<details>
<summary><b>Solution</b></summary>

```python
answer = 42
assert answer
```

It is known.

</details>"""
CELLS = [
    cell("markdown", "task", "### Exercise"),
    cell("code", "stub", "answer = None", exercise.STUB),
    cell("code", "check", "checks.answer(answer)", exercise.CHECK),
    cell("markdown", "solution", SOLUTION, exercise.SOLUTION),
]
NOTEBOOK = {"cells": CELLS, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def test_the_solution_takes_the_place_of_the_stub():
    done = exercise.with_solutions(NOTEBOOK)
    assert [one["id"] for one in done["cells"]] == [one["id"] for one in CELLS]
    assert done["cells"][1]["source"] == "answer = 42\nassert answer"
    assert CELLS[1]["source"] == "answer = None"


def test_it_does_so_in_what_nbformat_reads():
    """nbformat's cells are dicts of its own, with attributes."""
    node = nbformat.from_dict(json.loads(json.dumps(NOTEBOOK)))
    done = exercise.with_solutions(node)
    assert (
        type(done) is type(node)
        and done.cells[1].source == "answer = 42\nassert answer"
    )


def test_a_handout_has_no_solutions():
    handed = exercise.without_solutions(NOTEBOOK)
    assert [one["id"] for one in handed["cells"]] == ["task", "stub", "check"]


def test_a_stub_without_a_solution_is_refused():
    with pytest.raises(ValueError, match="shorter|longer"):
        exercise.with_solutions(NOTEBOOK | {"cells": CELLS[:-1]})


@exercise.exercise
def be_right(answer):
    """Refuse all answers but one."""
    if answer != 42:
        raise errors.NotSolved(f"{answer} is not it: look at the last output.")


@exercise.exercise
def be_a_dict(answer: Mapping):
    """Demand 42 at the letter A."""
    if not exercise.demand_number("A", answer):
        raise KeyError("A")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({}, "A: there is no number yet."),
        (
            {"A": "42"},
            "A: '42' is not a number: write the number alone, without quotes.",
        ),
        ({"A": 200.5}, "A: 200.5 is not a whole number, such as 200."),
        ({"A": float("nan")}, "A: nan is not a whole number, such as 200."),
        ({"a": 42, 1: 42}, "There is no entry 'A'; you have 'a', 1."),
        (
            [42],
            "The answer has the type list. It should be a dict, as in the exercise's "
            "own cell.",
        ),
        (
            {"A": 0},
            "The answer cannot be checked (KeyError: 'A'): give it the form that it "
            "has in the exercise's own cell.",
        ),
    ],
)
def test_an_answer_of_another_form_is_no_traceback(noted, answer, message):
    """A learner reads one sentence about the answer, whatever a check stumbles over."""
    with pytest.raises(errors.NotSolved) as wrong:
        be_a_dict(answer)
    assert wrong.value.message == noted()[-1].diagnosis == message


@pytest.mark.parametrize(
    "number", [42, 42.0, numpy.int64(42), numpy.float32(42), HTTPStatus(200)]
)
def test_a_number_is_one_in_any_form(number):
    """From a table of pandas, too."""
    assert exercise.demand_number("A", {"A": number}) in (42, 200)


@exercise.exercise
def be_a_list(answer: Sequence[str]):
    """Take all that has letters."""
    assert all(len(one) == 1 for one in answer)


def test_a_text_is_no_list(noted):
    """Each of its letters would be an element."""
    with pytest.raises(errors.NotSolved) as wrong:
        be_a_list("abc")
    assert wrong.value.message == noted()[-1].diagnosis
    assert wrong.value.message.endswith(
        "It should be a list, as in the exercise's own cell."
    )
    assert repr(be_a_list(["a"])) == repr(be_a_list(("a", "b"))) == "Correct."


TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl-_"


@exercise.exercise
def be_sent(answer):
    """Fail with the answer in the words of another library, or in our own."""
    if isinstance(answer, bytes):
        raise ValueError(f"Invalid header value {answer!r}")
    raise errors.NotSolved(f"{answer!r} is not it.")


@pytest.mark.parametrize("answer", [f"Bearer {TOKEN}\n".encode(), TOKEN, TOKEN[:40]])
def test_no_token_is_shown_or_noted(noted, answer):
    """A teacher collects the notes; what is cut off is still a secret's part."""
    with pytest.raises(errors.NotSolved) as wrong:
        be_sent(answer)
    kept = attempts.file().read_text() + str(wrong.value) + wrong.value.message
    assert kept.count("eyJ") == 3 and TOKEN[:30] not in kept


def test_an_answer_is_not_to_blame_where_no_cluster_runs(noted, phase):
    """Whatever a library makes of that."""
    phase("stopped")
    with pytest.raises(errors.ClusterDown, match="does not run"):
        be_sent(b"")
    assert noted() == []


@exercise.exercise
def be_connected(answer):
    """Fail as before `connect()`."""
    raise errors.NotConnected


def test_what_is_no_fault_of_the_answer_stays_what_it_is(noted):
    with pytest.raises(errors.NotConnected):
        be_connected(42)
    assert noted() == []


@exercise.exercise
def be_decided(error):
    """Fail as a check does on a slow machine."""
    raise error


@pytest.mark.parametrize(
    "error",
    [
        errors.Undecided("the pod", "ContainerCreating"),
        errors.NotReady("the pod", 20.0, "ContainerCreating"),
        errors.DoesNotEnd(["get", "pods"], 65.0),
        errors.Unreachable("https://127.0.0.1:1", "timed out"),
        errors.ApiError("GET", "/version", 503, ""),
        errors.KubectlFailed(
            ["wait"], 1, "error: timed out waiting for the condition on jobs/a\n"
        ),
        errors.KubectlFailed(
            ["get"], 1, "Error from server (Timeout): etcdserver: request timed out"
        ),
        subprocess.TimeoutExpired("curl", 30),
        TimeoutError("timed out"),
        httpx.ReadTimeout("The read operation timed out"),
        urllib3.exceptions.ReadTimeoutError(None, "/", "Read timed out."),
    ],
    ids=repr,
)
def test_what_a_slow_cluster_leaves_open_is_no_attempt(noted, error):
    with pytest.raises(errors.Undecided) as undecided:
        be_decided(error)
    assert noted() == []
    first, second = str(undecided.value).splitlines()
    assert first.startswith("Not decided: the check still waits for ")
    assert second == "Run this cell again: this does not count as an attempt."


@pytest.mark.parametrize("language", ["en", "ko"])
def test_it_is_said_in_both_languages(noted, monkeypatch, language):
    monkeypatch.setenv("LAB_LANG", language)
    with pytest.raises(errors.Undecided) as undecided:
        be_decided(errors.NotReady("pod/a", 20.0, ""))
    said = str(undecided.value)
    assert said.startswith("Not decided") is (language == "en")
    assert "pod/a" in said and "{" not in said


def test_a_refusal_of_kubectl_is_no_sign_of_a_slow_cluster(noted):
    refused = errors.KubectlFailed(["get"], 1, "Error from server (NotFound): pods")
    with pytest.raises(errors.KubectlFailed):
        be_decided(refused)


@pytest.fixture
def noted(tmp_path, monkeypatch):
    """Return a function that reads what is noted; a learner's own run notes it."""
    monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path))
    monkeypatch.delenv(attempts.SETTING)
    return lambda: attempts.read(attempts.file())


def test_right_and_wrong_answers_are_noted(noted):
    with pytest.raises(errors.NotSolved) as wrong:
        be_right(None)
    assert str(wrong.value) == "None is not it: look at the last output."
    assert repr(be_right(42)) == "Correct."
    first, second = noted()
    assert first.diagnosis == str(wrong.value) and second.passed
    assert first.exercise == second.exercise == "be_right"
    assert first.lesson == second.lesson == "test-exercise"
    assert first.time <= second.time
    assert attempts.file().stat().st_mode & 0o777 == 0o600
