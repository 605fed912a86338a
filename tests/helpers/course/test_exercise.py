"""Exercises: what a notebook holds of them, how they are judged and what is noted."""

import json
from collections.abc import Mapping

import nbformat
import pytest

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
    if not exercise.demand_number("A", answer.get("A")):
        raise KeyError("A")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({}, "A: there is no number yet."),
        (
            {"A": "42"},
            "A: '42' is not a number: write the number alone, without quotes.",
        ),
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


@exercise.exercise
def be_connected(answer):
    """Fail as before `connect()`."""
    raise errors.NotConnected


def test_what_is_no_fault_of_the_answer_stays_what_it_is(noted):
    with pytest.raises(errors.NotConnected):
        be_connected(42)
    assert noted() == []


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
