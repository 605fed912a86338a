"""Cells that are skipped without a node, and lessons by their real names."""

import ast

import pytest

from helpers import needs
from helpers.course import lessons
from helpers.course.exercise import with_solutions
from tests.notebooks import (
    FILES,
    NEEDS_MINOR,
    ROOT,
    load,
    tagged,
)
from tests.style.page import Page

OF_PODS = {lesson.name for lesson in lessons() if lesson.pods}


def test_tags_stand_only_where_the_rest_of_the_lesson_runs():
    found = {path.stem for path in FILES if tagged(load(path), needs.PODS)}
    assert found and not found & OF_PODS


def test_create_namespace_knows_a_lesson_of_pods_by_its_topic():
    """Without a node it stops there, in one line."""
    for lesson in lessons():
        page = Page.read(load(ROOT / "notebooks" / lesson.path))
        calls = [node for cell in page.code for node in cell.nodes(ast.Call)]
        asked = {ast.unparse(call) for call in calls}
        wanted = f"cluster.create_namespace({lesson.topic!r})"
        assert not lesson.pods or wanted in asked, lesson.name


@pytest.mark.parametrize("tag", [needs.PODS, needs.LAB, *sorted(NEEDS_MINOR)])
def test_no_cell_takes_a_name_from_one_that_is_left_out(tag):
    """Nor an import: without that cell it would stop with a NameError."""
    faults = []
    for path in FILES:
        code = Page.read(with_solutions(load(path))).code
        left_out = [cell for cell in code if tag in cell.tags]
        others = [cell for cell in code if tag not in cell.tags]
        missing = set().union(*map(bound, left_out)) - set().union(*map(bound, others))
        faults += [
            (path.stem, cell.id, node.id)
            for cell in others
            for node in cell.nodes(ast.Name)
            if node.id in missing
        ]
    assert faults == []


def bound(cell):
    """Return the names that a cell makes, also those inside its functions."""
    stored = {n.id for n in cell.nodes(ast.Name) if isinstance(n.ctx, ast.Store)}
    imported = cell.nodes(ast.Import, ast.ImportFrom)
    names = {(one.asname or one.name) for node in imported for one in node.names}
    made = cell.nodes(ast.FunctionDef, ast.ClassDef)
    return stored | {name.partition(".")[0] for name in names} | {m.name for m in made}
