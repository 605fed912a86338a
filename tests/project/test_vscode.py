"""A kernel as VS Code starts it runs lessons: from the notebook's folder, by itself.

Nothing of JupyterLab is around it: no PATH with kubectl, no KUBECONFIG, no start-up but
that of the environment in `.venv`.
"""

import json
import re
import subprocess
import sys
from contextlib import contextmanager

import pytest
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.connect import write_connection_file

from cluster import paths
from cluster.tests.slowness import scaled
from helpers import errors
from helpers.course import attempts
from helpers.course.exercise import CHECK, STUB, has_tag, with_solutions
from tests.helpers.exercises.checks.test_answers import EXERCISES
from tests.notebooks import ROOT, file_of, load, source

CLEAN_UP = "clean-up"
VIEW = "application/vnd.jupyter.widget-view+json"
#: each is shown, closed, and says the same as text
VIEWS = {
    "02-cluster-info": ("api_explorer()", "live_pods()"),
    "05-inside-a-pod": ('request_journey("curl")',),
}
FULL = pytest.mark.full("a whole lesson, in another editor")
MACHINES = pytest.mark.machines("other lessons, in another editor")
SETTINGS = ROOT / ".vscode" / "settings.json"


class Kernel:
    """A running kernel, and what its cells do."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self.client = client

    def run(self, cell: str) -> tuple[dict[str, str], str]:
        """Return the cell's outputs by their type, and its error."""
        shown: dict[str, str] = {}
        failed = ""

        def note(message: dict) -> None:
            nonlocal failed
            content = message["content"]
            if message["msg_type"] == "error":
                failed = f"{content['ename']}: {content['evalue']}"
            for kind, value in content.get("data", {}).items():
                if message["msg_type"] in ("display_data", "execute_result"):
                    shown[kind] = f"{shown.get(kind, '')}{value}\n"
            if message["msg_type"] == "stream":
                shown["text"] = shown.get("text", "") + content["text"]

        self.client.execute_interactive(cell, timeout=scaled(240), output_hook=note)
        return shown, failed

    def fine(self, cell: str) -> dict[str, str]:
        """Run a cell that must not fail; return its outputs."""
        shown, failed = self.run(cell)
        assert not failed, f"{cell}\n{shown}\n{failed}"
        return shown


@contextmanager
def started(folder, home):
    """Start a kernel by VS Code's command in a directory."""
    # The tests' own cluster, and no progress in the learner's.
    names = {"LAB_STATE_DIR": paths.state_dir(), "LAB_CACHE_DIR": paths.cache_dir()}
    names |= {"HOME": home, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    clean = ["env", "-i", *(f"{name}={value}" for name, value in names.items())]
    file, _ = write_connection_file(str(home / "kernel.json"))
    with open(home / "log", "wb") as log:
        process = subprocess.Popen(
            [*clean, sys.executable, "-m", "ipykernel", "-f", file],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    client = BlockingKernelClient(connection_file=file)
    client.load_connection_file()
    # Without the heartbeat: it takes a kernel that is slow to start for a dead one.
    client.start_channels(hb=False)
    try:
        client.wait_for_ready(timeout=scaled(60))
        yield Kernel(client)
        client.shutdown()
        process.wait(scaled(30))
    finally:
        client.stop_channels()
        process.kill()
        process.wait()


def test_the_settings_name_the_environment_of_the_set_up():
    named = json.loads(SETTINGS.read_text())["python.defaultInterpreterPath"]
    assert named == "${workspaceFolder}/.venv/bin/python"
    recommended = json.loads(SETTINGS.with_name("extensions.json").read_text())
    text = (ROOT / ".devcontainer/devcontainer.json").read_text()
    container = json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))
    # In the container, the same name leads to the image's own environment.
    assert "ln -sfn /opt/venv .venv" in container["postCreateCommand"]
    extensions = container["customizations"]["vscode"]["extensions"]
    assert extensions == recommended["recommendations"]
    assert extensions == ["ms-python.python", "ms-toolsai.jupyter"]


def test_before_connect_a_shell_cell_is_refused_in_our_words(tmp_path):
    """The start-up file of `.venv` reaches a kernel that nothing of ours starts."""
    with started(ROOT / "notebooks", tmp_path) as kernel:
        shown, failed = kernel.run("%%sh\nkubectl get nodes")
    assert (shown, failed) == ({}, f"NotConnected: {errors.NotConnected()}")


@pytest.mark.parametrize(
    "lesson",
    [
        pytest.param("05-inside-a-pod", marks=FULL),
        pytest.param("00-start-here", marks=MACHINES),
        pytest.param("02-cluster-info", marks=MACHINES),
    ],
)
def test_a_lesson_with_its_checks_its_views_and_the_progress(cluster, tmp_path, lesson):
    path = file_of(lesson)
    cells = [
        cell
        for cell in with_solutions(load(path))["cells"]
        if cell["cell_type"] == "code"
    ]
    written = attempts.file()
    # What a learner of another test has solved comes back afterwards.
    others = written.read_bytes() if written.exists() else b""
    written.unlink(missing_ok=True)
    try:
        with started(path.parent, tmp_path) as kernel:
            for cell in cells:
                if cell["id"] == CLEAN_UP:
                    demand_sentences(kernel, lesson)
                    for view in VIEWS.get(lesson, ()):
                        demand_view(kernel, view)
                kernel.fine("".join(cell["source"]))
            board = kernel.fine("from helpers import progress\nprogress()")
        found = attempts.read(written)
    finally:
        written.unlink(missing_ok=True)
        if others:
            written.write_bytes(others)
    solved = {each.exercise for each in found if each.passed}
    assert len(solved) == len([cell for cell in cells if has_tag(cell, CHECK)])
    assert len(solved) == len([cell for cell in cells if has_tag(cell, STUB)])
    assert re.search(rf"^{lesson[:2]} .*✓$", board["text/plain"], re.MULTILINE)
    assert "<table" in board["text/html"]


def demand_sentences(kernel: Kernel, lesson: str) -> None:
    """Give the wrong answers to each exercise of 02; each gets its sentence."""
    if lesson != "02-cluster-info":
        return
    for name, exercise in EXERCISES.items():
        if not name.startswith(lesson):
            continue
        check = name.partition("/")[2]
        for answer, expected, *_ in exercise["answers"]:
            kernel.fine(answer)
            _, failed = kernel.run(source(lesson, check))
            sentence = re.escape(expected).replace("…", ".*")
            assert re.match(f"NotSolved: {sentence}", failed), (answer, failed)


def demand_view(kernel: Kernel, view: str) -> None:
    """Show a view, read it as text, and close it."""
    shown = kernel.fine(f"from helpers import widgets\nview = widgets.{view}\nview")
    assert "model_id" in shown[VIEW], shown
    assert kernel.fine("print(view)")["text"].strip()
    kernel.fine("view.stop()")
