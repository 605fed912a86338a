"""`make chapter` runs notebooks in real kernels, keeps outputs, tells what failed."""

import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import nbformat
import psutil
import pytest

from cluster.errors import LabError
from cluster.tests.commandline import environment, python
from cluster.waiting import poll
from tests.notebooks import FILES, ROOT
from tools import chapter

HEADER = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ"
TOKEN = f"{HEADER}.eyJzdWIiOiJzeXN0ZW06YSJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ"

INFRASTRUCTURE = pytest.mark.full("infrastructure that lessons do not touch")


def write(folder, name, *cells):
    """Write a notebook of (id, source, tags...) cells; return its path.

    A solution is Markdown, the others are code.
    """
    notebook = nbformat.v4.new_notebook()
    for cell_id, source, *tags in cells:
        make = nbformat.v4.new_code_cell
        if "solution" in tags:
            make = nbformat.v4.new_markdown_cell
            source = (
                f"<details><summary>Solution</summary>\n\n```python\n{source}\n```\n"
            )
        cell = make(source, id=cell_id, metadata={"tags": tags})
        notebook.cells.append(cell)
    path = folder / name
    nbformat.write(notebook, path)
    return path


def run(path, twice=False):
    return chapter.run(path, path.parent / "ran", twice)


def kept(path):
    return nbformat.read(path.parent / "ran" / path.name, 4)


VIEW = """\
from helpers.views.widgets.view import View
class Shown(View):
    def text(self):
        return "a <fact> of the view"
Shown("A view")
"""


def test_a_notebook_is_kept_with_its_outputs_up_to_the_cell_that_fails(tmp_path):
    """With this environment's kernel; a view with its text, which site and GitHub show.

    The file itself is left alone.
    """
    path = write(
        tmp_path,
        "02-bad.ipynb",
        ("value", "import sys\nsys.executable"),
        ("shell", "%%bash\nseq -s ' ' 200"),
        ("view", VIEW),
        ("meant", "1 / 0", "raises-exception"),
        ("skipped", "undefined", "nbval-skip"),
        ("unmeant", "assert 1 == 2, 'one is\\nnot two'"),
        ("never", "6 * 7"),
    )
    before = path.read_bytes()
    assert run(path) == "unmeant: AssertionError: one is not two"
    assert path.read_bytes() == before
    outputs = [cell.outputs for cell in kept(path).cells]
    [value], [shell], [view], [meant], _, [unmeant], never = outputs
    assert sys.executable in value.data["text/plain"]
    # No word of a long output is torn apart where the kernel's pieces end.
    assert " ".join(map(str, range(1, 201))) in shell.text
    assert view.data["text/plain"] == "a <fact> of the view"
    assert "application/vnd.jupyter.widget-view+json" in view.data
    assert "widgets" not in kept(path).metadata
    assert (meant.ename, unmeant.ename) == ("ZeroDivisionError", "AssertionError")
    assert never == []


@INFRASTRUCTURE
@pytest.mark.parametrize(
    ("source", "timeout", "fault"),
    [
        ("import os\nos._exit(3)", 60, "ends: DeadKernelError"),
        ("import threading\nthreading.Event().wait()", 1, "ends: CellTimeoutError"),
    ],
)
def test_a_kernel_that_dies_and_a_cell_that_does_not_end_are_results(
    tmp_path, monkeypatch, source, timeout, fault
):
    """The other notebooks still get their turn."""
    monkeypatch.setattr(chapter, "CELL_TIMEOUT", timeout)
    assert run(write(tmp_path, "03-dead.ipynb", ("ends", source))) == fault


@pytest.mark.parametrize(
    ("backend", "seconds"),
    [(SimpleNamespace(slowness=lambda: 4.0), 240), (None, 60)],
)
def test_a_kernel_has_the_time_that_this_machine_needs(
    tmp_path, monkeypatch, backend, seconds
):
    """A cluster that took four times as long is followed by kernels that do."""

    class Client:
        def __init__(self, *_, startup_timeout, **__):
            self.limit = startup_timeout

        def create_kernel_manager(self):
            return SimpleNamespace()

        def execute(self, **_):
            raise RuntimeError(f"Kernel didn't respond in {self.limit} seconds")

    def current():
        if backend is None:
            raise LabError("no cluster")
        return backend

    monkeypatch.setattr(chapter, "NotebookClient", Client)
    monkeypatch.setattr(chapter.backends, "current", current)
    chapter.slowness.cache_clear()
    fault = run(write(tmp_path, "03-slow.ipynb", ("never", "1")))
    chapter.slowness.cache_clear()
    late = f"RuntimeError: Kernel didn't respond in {seconds} seconds"
    assert fault == f"before the first cell: {late}"


@pytest.mark.parametrize(
    "output",
    [
        {"output_type": "stream", "name": "stderr", "text": f"{TOKEN}\n"},
        {"output_type": "display_data", "data": {"text/html": f"<b>{TOKEN}</b>"}},
        {"output_type": "execute_result", "data": {"application/json": {"t": [TOKEN]}}},
        {"output_type": "error", "ename": "E", "evalue": "", "traceback": [TOKEN]},
    ],
    ids=lambda output: output["output_type"],
)
def test_a_secret_in_an_output_fails_and_nothing_is_written(
    tmp_path, monkeypatch, output
):
    """Outputs are published, so a secret must not get into any kind of them."""

    def execute(notebook, _):
        notebook.cells[0].outputs = [output]
        return ""

    monkeypatch.setattr(chapter, "execute", execute)
    path = write(tmp_path, "05-leak.ipynb", ("leak", "1"))
    assert run(path) == "leak: the output shows a token"
    assert not (tmp_path / "ran").exists()


def test_a_cell_that_cannot_run_twice_is_named(tmp_path):
    """A learner who is unsure runs it once more; what is kept is the first time."""
    path = write(tmp_path, "09-twice.ipynb", ("many", "n = 1"), ("once", "n\ndel n"))
    fault = "once-again: NameError: name 'n' is not defined"
    assert run(path, twice=True) == fault
    assert [cell.id for cell in kept(path).cells] == ["many", "once"]


@INFRASTRUCTURE
def test_the_command_tells_how_each_ended_and_fails_if_one_does(tmp_path):
    """Each notebook has a line; the exit code, which CI sees, is 1 if any failed."""
    good = write(tmp_path, "01-good.ipynb", ("value", "6 * 7"))
    bad = write(tmp_path, "02-bad.ipynb", ("value", "1 / 0"))
    command = ("-m", "tools.chapter", "--target", tmp_path / "out")
    both = python(*command, bad, good, env={"COLUMNS": "80"})
    fine = python(*command, good)
    found = {line.split()[0]: line.split()[-1] for line in both.stdout.splitlines()}
    assert (found["01-good.ipynb"], found["02-bad.ipynb"]) == ("ok", "zero")
    assert found["1"] == f"{tmp_path / 'out'}."
    assert (both.returncode, fine.returncode) == (1, 0)
    assert both.stderr == ""


@INFRASTRUCTURE
def test_ctrl_c_ends_the_command_and_its_kernels(tmp_path):
    """At once: what has begun is not waited for."""
    note = tmp_path / "pid"
    path = write(
        tmp_path,
        "08-long.ipynb",
        ("notes", f"!echo $PPID > {note}"),
        ("waits", "import threading\nthreading.Event().wait()"),
    )
    line = (sys.executable, "-m", "tools.chapter", "--target", tmp_path / "out", path)
    with tempfile.TemporaryDirectory() as place:
        command = subprocess.Popen(line, cwd=ROOT, env=environment({"TMPDIR": place}))
        try:
            assert poll(lambda: note.exists() and note.read_text(), 60)
            kernel = psutil.Process(int(note.read_text()))
            command.send_signal(signal.SIGINT)
            assert command.wait(10) == -signal.SIGINT
            kernel.wait(10)
            assert [*Path(place).iterdir()] == []
        finally:
            command.kill()
            command.wait()


@pytest.mark.parametrize("path", ["02-a.ipynb", "ko/deeper/12-b.ipynb"])
def test_each_edition_has_its_own_place(tmp_path, path):
    """The editions can run at the same time, into one directory."""
    assert chapter.place(chapter.NOTEBOOKS / path).as_posix() == path
    assert chapter.place(tmp_path / path).as_posix() == Path(path).name


def test_what_runs_by_default_is_english():
    assert chapter.notebooks() == FILES
    korean = chapter.notebooks("ko")
    assert all(path.is_relative_to(chapter.NOTEBOOKS / "ko") for path in korean)


def test_there_is_one_lesson_more_at_once_than_cores_if_memory_allows():
    assert chapter.job_count(2, 8e9) == 3
    assert chapter.job_count(8, 1e9) == 2
    assert chapter.job_count(2, 1e8) == 1


def test_the_order_names_lessons_and_a_new_one_comes_first(tmp_path):
    """Without a place of its own, a new lesson may only begin too early."""
    order, numbers = chapter.LONGEST.split(), {path.stem[:2] for path in FILES}
    assert {*order} <= numbers and len(order) == len({*order}) >= 27
    assert chapter.start_rank(tmp_path / "99-new.ipynb") == -1
