"""Run lessons with pytest and nbval: give their cells a cluster, or say why not.

pytest loads this module wherever the package is installed, so that `pytest --nbval-lax`
does the same in this checkout and in anybody's CI. It touches only the cells of
notebooks that import `helpers`.
"""

import functools
import os
import re
from typing import Any

import pytest

#: how a notebook that needs a cluster of ours begins
_OURS = re.compile(r"^\s*(from|import) helpers\b", re.MULTILINE)
#: the notebooks whose lesson cannot run on this cluster
_REFUSED = pytest.StashKey[set[str]]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Connect before the first cell; fail a lesson, or skip a cell, that cannot run."""
    if not _imports_helpers(item.parent):
        return
    connect_once(item.session)
    refused = item.session.stash.setdefault(_REFUSED, set())
    if str(item.path) in refused:
        pytest.skip("the lesson cannot run here: its first cell says why")
    if reason := lesson_lacks(item.path.stem):
        refused.add(str(item.path))
        pytest.fail(reason, pytrace=False)
    cell: Any = getattr(item, "cell", None)
    from helpers.course.exercise import tags_of

    if reason := cell_lacks(tags_of(cell)):
        pytest.skip(reason)


# Once for a file, not for each of its cells.
@functools.cache
def _imports_helpers(file: Any) -> bool:
    cells = file.nb.cells if hasattr(file, "nb") else ()
    code = (cell.source for cell in cells if cell.cell_type == "code")
    return any(map(_OURS.search, code))


@functools.cache
def connect_once(session: pytest.Session) -> Any:
    """Return the connected cluster, or end the run: its message says it all, once."""
    from cluster import backends, errors
    from helpers.connection import connect
    from helpers.course.attempts import SETTING

    # Cells that run here are no learner's answers.
    os.environ[SETTING] = "off"
    try:
        if backends.current().binaries():
            return connect()
        # A build takes longer than a cell may.
        words = "there are no programs of Kubernetes yet. Run: .venv/bin/kapi setup"
        why = f"no cluster, no tests: {errors.with_commands(words)}"
    except errors.LabError as error:
        why = f"no cluster, no tests: {error}"
    if hasattr(session.config, "workerinput"):
        session.shouldstop = why
        pytest.fail(why, pytrace=False)
    pytest.exit(why, returncode=1)


@functools.cache
def lesson_lacks(name: str) -> str:
    """Return why a lesson cannot run on the connected cluster, or ""."""
    from cluster import errors
    from helpers.connection import require_node
    from helpers.course import lessons

    if any(lesson.name == name and lesson.pods for lesson in lessons()):
        try:
            require_node()
        except errors.LabError as error:
            return str(error)
    return ""


def cell_lacks(tags: list[str]) -> str:
    """Return why a cell with these tags cannot run on the connected cluster, or ""."""
    from cluster import errors
    from helpers import needs
    from helpers.command import backend_in_use
    from helpers.language import say

    if needs.PODS in tags:
        try:
            backend_in_use().require_node(say("A pod"), wait=False)
        except errors.LabError as error:
            return str(error)
    return needs.unmet_need(tags)
