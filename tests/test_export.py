"""What a teacher gets: notebooks without solutions and with, and a page of answers."""

import ast
import json
import re

import pytest

from helpers import answers, errors, export
from helpers.checks import __dir__ as names_of_checks
from helpers.course import Lesson, lessons
from helpers.diagnoses import diagnoses, wants
from helpers.exercise import code_of, tagged
from tests.commandline import helpers
from tests.notebooks import ROOT

CHECK = '''
"""Checks."""

LARGE = "more"

def guess(number):
    """Check that the number
    is 42.

    No more than that.
    """
    if number is None:
        raise errors.NotSolved("Put your number into `number`.")
    _compare(number)
    if wrong := _last(number):
        raise NotSolved(wrong)

def _compare(number):
    if number != 42:
        side = LARGE if number < 42 else "less"
        raise NotSolved(f"It is {side} than {number!r}, not {LARGE}.")
    guess(number)

def _last(number):
    """Return what is wrong, or ""."""
    return f"It is odd: {number % 2}." if number % 2 else ""

def other():
    raise NotSolved("never said by guess")
'''
NOTEBOOK = {
    "cells": [
        ("markdown", "## Exercise: guess\n\nWhich [number](a.md#n)?\n", "task"),
        ("markdown", "<details>A hint.</details>"),
        ("code", "number = None", "exercise"),
        ("code", "checks.guess(number)", "check"),
        (
            "markdown",
            "<details>\n<summary>S</summary>\n\n"
            "```python\nnumber = [int][0](42)\n```\n\nWhy.\n</details>",
            "solution",
        ),
        ("markdown", "## Another thing"),
    ]
}


def lesson(name="00-guessing", exercises=("guess",)):
    return Lesson(name, "Guess", "", [], "", [], 5, False, list(exercises), [])


def notebook():
    return {
        "cells": [
            {"cell_type": kind, "source": [text], "id": str(number),
             "metadata": {"tags": tags}}
            for number, (kind, text, *tags) in enumerate(NOTEBOOK["cells"])
        ]
    }  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return the directory that `export` wrote; it needs no cluster."""
    target = tmp_path_factory.mktemp("export") / "new" / "class"
    done = helpers("export", target, env={"LAB_STATE_DIR": "/nowhere"})
    assert done.returncode == 0, done.stderr
    return target


# --- The page of answers ----------------------------------------------------------


def test_an_answer_has_task_solution_and_what_the_check_says(tmp_path, monkeypatch):
    """Read from the source: in its order, also of what the check calls, once each."""
    (tmp_path / "guessing.py").write_text(CHECK)
    monkeypatch.setattr(answers, "CHECKS", tmp_path)
    assert answers.page([(lesson(), notebook())]).split("\n\n")[2:] == [
        "## 00-guessing: Guess",
        "### Exercise: guess",
        "Which [number](student/a.md#n)?",
        "<details>A hint.</details>",
        "**Solution**",
        "```python\nnumber = [int][0](42)\n```",
        "Why.",
        "**The check** `guess`: Check that the number is 42.",
        "- Put your number into `number`.\n"
        "- It is {side} than {number}, not more.\n"
        "- It is odd: {…}.\n",
    ]


def test_every_exercise_of_the_course_is_on_the_page(written):
    """With a solution, and with at least one sentence that refuses an answer."""
    page = (written / export.ANSWERS).read_text("utf-8")
    prose = re.sub(r"^```.*?^```$|`[^`\n]+`", "", page, flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([\w./-]+)", prose):
        assert link.startswith("http") or (written / link).exists(), link
    for each in lessons():
        found = list(answers.exercises(export.load(each)))
        assert [exercise.name for exercise in found] == each.exercises, each.name
        for exercise in found:
            assert exercise.task and "```python" in exercise.solution, exercise.name
            module = answers.CHECKS / f"{each.topic.replace('-', '_')}.py"
            assert wants(module, exercise.name), exercise.name
            assert diagnoses(module, exercise.name), exercise.name


# --- The directory ----------------------------------------------------------------


def test_learners_get_every_notebook_without_solutions(written):
    """And the pictures and pages that they lead to."""
    student = written / export.STUDENT
    assert sorted(path.relative_to(student) for path in student.rglob("*.ipynb")) == (
        sorted(each.path for each in lessons())
    )
    for each in lessons():
        cells = json.loads((student / each.path).read_text("utf-8"))["cells"]
        assert not [cell["id"] for cell in cells if tagged(cell, "solution")]
        stubs = [cell for cell in cells if tagged(cell, "exercise")]
        assert len(stubs) == len(each.exercises)
        for text in ("".join(cell["source"]) for cell in cells):
            for link in re.findall(r"\]\(([\w./-]+)(?:#[\w-]*)?\)", text):
                assert (student / each.path.parent / link).exists(), link


def test_the_teacher_gets_each_solution_in_the_place_of_its_exercise(written):
    """And what the notebooks lead to, so that they can be run there."""
    teacher = written / export.TEACHER
    assert (teacher / "glossary.md").exists() and (teacher / "images").is_dir()
    for each in lessons():
        own, ours = (
            json.loads((folder / each.path).read_text("utf-8"))["cells"]
            for folder in (export.NOTEBOOKS, teacher)
        )
        solutions = [code_of(cell) for cell in own if tagged(cell, "solution")]
        stubs = [cell["source"] for cell in ours if tagged(cell, "exercise")]
        assert stubs == solutions and len(ours) == len(own)


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    done = helpers("export", tmp_path)
    assert done.returncode == 1
    assert f"{tmp_path} is not empty: it contains mine.txt." in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_installed_package_says_that_a_checkout_is_needed(tmp_path, monkeypatch):
    monkeypatch.setattr(export, "NOTEBOOKS", tmp_path / "notebooks")
    with pytest.raises(errors.LabError, match="Run it in a checkout"):
        export.export(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_each_check_is_in_the_module_of_its_lesson():
    """Where `answers` and `helpers.checks` look for it."""
    for each in lessons():
        module = ROOT / "helpers" / "checks" / f"{each.topic.replace('-', '_')}.py"
        tree = (
            ast.parse(module.read_text("utf-8")) if module.exists() else ast.parse("")
        )
        names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert set(each.exercises) <= names, each.name
    assert len(set(names_of_checks())) == len(names_of_checks())
