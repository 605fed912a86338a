"""Lessons without views look right in a browser, as notebooks that have run.

test_learner.py looks at those with views, and test_site.py at every lesson's page.
"""

import pytest

from tests.notebooks import executed, file_of, in_lab

pytestmark = pytest.mark.full("JupyterLab's own frame around outputs of ours")

#: Between them they have each kind of text and of output that such a lesson has.
SHOWN = ("05-inside-a-pod", "21-six-ways-and-errors")


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
