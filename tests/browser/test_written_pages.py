"""Lessons without views look right in a browser, as notebooks that have run.

test_learner.py looks at those with views, and test_site.py at every lesson's page.
"""

import re

import pytest
from playwright.sync_api import expect

from tests.notebooks import executed, file_of, in_lab

pytestmark = pytest.mark.full("JupyterLab's own frame around outputs of ours")

#: Between them they have each kind of text and of output that such a lesson has.
SHOWN = ("05-inside-a-pod", "21-six-ways-and-errors")
#: each output of text, how many lines it has, and how many of them are seen
LINES = """outputs => outputs.map(one => {
    const height = parseFloat(getComputedStyle(one).lineHeight);
    const text = one.textContent.trimEnd();
    return [text, text.split('\\n').length, one.clientHeight / height];
})"""


@pytest.mark.parametrize("lesson", SHOWN)
def test_it_is_for_everybody(lab, open_notebook, lesson):
    """A lesson has its outputs, no finding of axe, and no complaint of the browser."""
    name = in_lab(file_of(lesson))
    lab.write_executed(name, executed(lesson))
    cells = lab.api("GET", f"contents/{name}.ipynb").json()["content"]["cells"]
    # JupyterLab shows only trusted outputs.
    assert all(one["metadata"]["trusted"] for one in cells if "outputs" in one)
    notebook = open_notebook(name)
    assert notebook.not_run() == []
    assert notebook.faults() == []


def test_no_line_of_a_table_is_torn(lab, open_notebook):
    """Nor of anything that a command prints in 06, on a laptop that shows its files."""
    lesson = "06-be-allowed"
    lab.write_executed(lesson, executed(lesson))
    notebook = open_notebook(lesson)
    notebook.page.set_viewport_size({"width": 1280, "height": 800})
    expect(notebook.page.locator(".jp-DirListing").first).to_be_visible()
    # All of them are laid out then.
    assert re.search(r"^pods .* \[get list\]$", notebook.text("can-i"), re.MULTILINE)
    printed = notebook.page.locator("[data-mime-type$=stdout] pre")
    outputs = printed.evaluate_all(LINES)
    assert len(outputs) > 3
    assert [text for text, lines, seen in outputs if round(seen) > lines] == []
