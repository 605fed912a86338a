"""An exercise that nobody solved is told so: every check fails on the stub."""

import nbformat
import pytest
from nbclient import NotebookClient

from tests.notebooks import FILES, load, tagged
from tools.chapter import ENCRYPTED

WITH_EXERCISES = [path for path in FILES if tagged(load(path), "check")]


def errors(cell):
    return [out.ename for out in cell.outputs if out.output_type == "error"]


def test_there_are_exercises():
    """Without one the test below would vanish in silence."""
    assert WITH_EXERCISES


@pytest.mark.parametrize("path", WITH_EXERCISES, ids=lambda path: path.stem)
def test_each_check_fails_without_its_solution(cluster, path):
    """Without the solutions stubs still run, and each check raises AssertionError."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [
        cell
        for cell in notebook.cells
        if "solution" not in cell.metadata.get("tags", ())
    ]
    NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=120,
        # Cells below may need an answer; only stubs and checks are judged here.
        allow_errors=True,
        config=ENCRYPTED,
        resources={"metadata": {"path": str(path.parent)}},
    ).execute()
    stubs, checks = tagged(notebook, "exercise"), tagged(notebook, "check")
    assert {cell.id: errors(cell) for cell in stubs} == {c.id: [] for c in stubs}
    expected = {cell.id: ["AssertionError"] for cell in checks}
    assert {cell.id: errors(cell) for cell in checks} == expected
