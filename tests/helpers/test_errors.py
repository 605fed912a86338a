"""A learner's mistake shows as its message, in a real kernel and under nbval."""

import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from cluster.tests.slowness import scaled

MISTAKE = "from helpers import kubectl\nkubectl('get', 'nodes')"
MESSAGE = (
    "NotConnected: No cluster is connected in this notebook.\n"
    "Run the cell with `cluster = connect()` first."
)
CELLS = {
    "mistake": MISTAKE,
    "verbose": f"%xmode Verbose\n{MISTAKE}",
    "minimal": f"%xmode Minimal\n{MISTAKE}",
    "again": "%xmode Context\n%tb",
    "value": "import sys\ntype(sys.last_value).__name__",
    "chained": "from cluster import errors\n"
    "try:\n    1 / 0\n"
    "except ZeroDivisionError as error:\n"
    "    raise errors.NotRunning() from error",
    "bug": "def divide():\n    return 1 / 0\n\ndivide()",
}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """Return what each of the cells shows, run in one kernel."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(text, id=name) for name, text in CELLS.items()]
    )
    NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=120,
        startup_timeout=round(scaled(60)),
        allow_errors=True,
        resources={"metadata": {"path": str(tmp_path_factory.mktemp("errors"))}},
    ).execute()
    return {cell.id: cell.outputs for cell in notebook.cells}


def error_of(outputs):
    (found,) = [output for output in outputs if output.output_type == "error"]
    return found


@pytest.mark.parametrize("name", ["mistake", "verbose", "minimal"])
def test_a_mistake_shows_its_message_and_no_traceback(outputs, name):
    """The detail of tracebacks that the learner has chosen makes no difference."""
    error = error_of(outputs[name])
    assert error.ename == "NotConnected"
    assert error.traceback == [MESSAGE]
    # nbval, nbclient and the page show this line.
    assert f"{error.ename}: {error.evalue}" == MESSAGE


def test_a_cause_does_not_bring_its_traceback(outputs):
    """The way out is in the message; the cause is for those who look for it."""
    error = error_of(outputs["chained"])
    assert error.traceback[0].startswith("NotRunning: No cluster is running.")
    assert "ZeroDivisionError" not in "".join(error.traceback)


def test_a_bug_still_shows_where_it_is(outputs):
    """Only errors with a way out are short."""
    text = "".join(error_of(outputs["bug"]).traceback)
    assert "ZeroDivisionError" in text and "divide" in text


@pytest.mark.full("infrastructure that lessons do not touch")
def test_nbval_reports_the_message(tmp_path):
    cell = nbformat.v4.new_code_cell(MISTAKE, id="mistake")
    path = tmp_path / "mistake.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    options = ["--nbval-lax", "--nbval-current-env", "--color=no", path]
    done = subprocess.run(
        [*command, *options], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1, done.stdout
    assert all(line in done.stdout for line in MESSAGE.splitlines())
