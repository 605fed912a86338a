"""A teacher gets notebooks without solutions, and with them."""

import ast
import json
import re
import shutil
from pathlib import Path

import pytest

from cluster.tests.commandline import helpers
from helpers import errors
from helpers.course import export, lessons
from helpers.course.exercise import code_of, has_tag
from helpers.exercises.checks import __dir__ as names_of_checks
from tests.notebooks import ROOT

CHECKS = ROOT / "helpers" / "exercises" / "checks"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return the directory that `export` wrote; it needs no cluster."""
    target = tmp_path_factory.mktemp("export") / "new" / "class"
    done = helpers("export", target, env={"LAB_STATE_DIR": "/nowhere"})
    assert done.returncode == 0, done.stderr
    return target


def test_learners_get_every_notebook_without_solutions(written):
    """And the pictures and pages that they lead to."""
    student = written / export.STUDENT
    written_to = [path.relative_to(student) for path in student.rglob("*.ipynb")]
    assert sorted(written_to) == sorted(export.paths())
    assert {each.path for each in lessons()} <= {*written_to}
    exercises = {each.name: len(each.exercises) for each in lessons()}
    for path in written_to:
        cells = json.loads((student / path).read_text("utf-8"))["cells"]
        assert not [cell["id"] for cell in cells if has_tag(cell, "solution")]
        stubs = [cell for cell in cells if has_tag(cell, "exercise")]
        assert len(stubs) == exercises[path.stem]
        for text in ("".join(cell["source"]) for cell in cells):
            for link in re.findall(r"\]\(([\w./-]+)(?:#[\w-]*)?\)", text):
                assert (student / path.parent / link).exists(), link


def test_every_language_is_exported_as_far_as_it_is_there(tmp_path, monkeypatch):
    """Each with its own pictures and pages."""
    shutil.copytree(export.NOTEBOOKS, tmp_path / "notebooks")
    korean = tmp_path / "notebooks/ko"
    shutil.rmtree(korean, ignore_errors=True)
    monkeypatch.setattr(export, "NOTEBOOKS", tmp_path / "notebooks")
    english = export.paths()
    first, deeper = lessons()[0].path, lessons()[-1].path
    (korean / deeper).parent.mkdir(parents=True)
    for path in (first, deeper):
        shutil.copy(tmp_path / "notebooks" / path, korean / path)
    (korean / "glossary.md").write_text("# 용어집\n")
    assert export.paths() == [*english, Path("ko", first), Path("ko", deeper)]
    export.export(tmp_path / "class")
    for name in (export.STUDENT, export.TEACHER):
        assert (tmp_path / "class" / name / "ko" / deeper).exists()
        assert "용어집" in (tmp_path / "class" / name / "ko/glossary.md").read_text()


def test_the_teacher_gets_each_solution_in_the_place_of_its_exercise(written):
    """And what the notebooks lead to, so that they can be run there."""
    teacher = written / export.TEACHER
    assert (teacher / "glossary.md").exists() and (teacher / "images").is_dir()
    for each in lessons():
        own, ours = (
            json.loads((folder / each.path).read_text("utf-8"))["cells"]
            for folder in (export.NOTEBOOKS, teacher)
        )
        solutions = [code_of(cell) for cell in own if has_tag(cell, "solution")]
        stubs = [cell["source"] for cell in ours if has_tag(cell, "exercise")]
        assert stubs == solutions and all(stubs) and len(ours) == len(own)


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
    """Where `helpers.exercises.checks` looks for it."""
    for each in lessons():
        module = (
            ROOT
            / "helpers"
            / "exercises"
            / "checks"
            / f"{each.topic.replace('-', '_')}.py"
        )
        tree = (
            ast.parse(module.read_text("utf-8")) if module.exists() else ast.parse("")
        )
        names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert set(each.exercises) <= names, each.name
    assert len(set(names_of_checks())) == len(names_of_checks())


def test_a_lesson_of_a_teacher_s_own_goes_with_the_others(tmp_path):
    """In both copies beside those of the course; what is wrong with it is one line."""
    own = tmp_path / "my-lesson.ipynb"
    assert helpers("template", own).returncode == 0
    export.export(tmp_path / "class", [own])
    code = {
        name: [
            "".join(cell["source"])
            for cell in json.loads((tmp_path / "class" / name / own.name).read_text())[
                "cells"
            ]
        ]
        for name in (export.STUDENT, export.TEACHER)
    }
    assert len(code["teacher"]) == 10 and len(code["student"]) == 9
    [answer] = {*code["teacher"]} - {*code["student"]} - {code["teacher"][7]}
    assert answer.startswith("%%sh\nkubectl create configmap colors")
    notebook = json.loads(own.read_text())
    notebook["cells"] = [c for c in notebook["cells"] if not has_tag(c, "solution")]
    (tmp_path / "half.ipynb").write_text(json.dumps(notebook))
    (tmp_path / "text.ipynb").write_text("[1]")
    (tmp_path / "00-start-here.ipynb").write_text(own.read_text())
    for name, said in {
        "half": "1 × exercise, 1 × check, 0 × solution",
        "text": "text.ipynb is not a notebook.",
        "none": "none.ipynb: No such file or directory.",
        "00-start-here": "there is a lesson 00-start-here.ipynb already.",
    }.items():
        with pytest.raises(errors.LabError, match=re.escape(said)):
            export.export(tmp_path / "other", [tmp_path / f"{name}.ipynb"])
    assert not (tmp_path / "other").exists()
