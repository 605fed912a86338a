"""JupyterLab as the image starts it, and a lesson with pods run whole in a browser."""

import os
import re
import threading

import pytest

from tests import container, imagebuild
from tests.browser.notebook import OpenNotebook

pytestmark = [
    pytest.mark.full("the image"),
    pytest.mark.timeout(1800),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a container"),
]
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/lab/\S+\?token=\w+")
LESSON = "05-inside-a-pod"
#: seconds, with one core
LONG = 400


@pytest.fixture
def address():
    """Return the address that JupyterLab prints."""
    # Tests drive the page by its own commands.
    command = [*imagebuild.ensure().config["Cmd"], "--expose-app-in-browser"]
    with container.running(*command, options=("--host-network",)) as child:
        found = next(filter(None, map(ADDRESS.search, child.stdout)), None)
        assert found, "it ended"
        # Nobody else reads what it writes from now on.
        threading.Thread(target=child.stdout.read, daemon=True).start()
        yield found[0]


def test_the_printed_address_opens_the_first_lesson_and_05_runs_whole(
    window, address, tmp_path
):
    assert "/lab/tree/notebooks/00-start-here.ipynb?" in address
    url = address.replace("00-start-here", LESSON)
    notebook = OpenNotebook(window.new_page(), url, LESSON).open()
    print(f"{notebook.run_all(LONG):.0f} s")
    # It stopped at an exercise that nobody has done; a learner goes on.
    notebook.run(*notebook.not_run(), timeout=LONG)
    print(notebook.screenshot(tmp_path / "05.png"))
    assert [one for one in notebook.errors() if ": NotSolved: " not in one] == []
    assert notebook.not_run() == []
