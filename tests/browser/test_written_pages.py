"""What lessons without views look like: notebooks that have run, opened in a browser.

Those with views are looked at where a learner goes through them, and every lesson on
its page of the site.
"""

import pytest

from tests.notebooks import executed, file_of, in_lab

#: Between them they have each kind of text and of output that such a lesson has.
SHOWN = ("05-inside-a-pod", "21-six-ways-and-errors")


@pytest.mark.parametrize("lesson", SHOWN)
def test_it_is_for_everybody(lab, open_notebook, lesson):
    """Its outputs are there, axe finds nothing, and the browser has no complaint."""
    name = in_lab(file_of(lesson))
    lab.write_executed(name, executed(lesson))
    cells = lab.api("GET", f"contents/{name}.ipynb").json()["content"]["cells"]
    # What is not trusted is not shown.
    assert all(one["metadata"]["trusted"] for one in cells if "outputs" in one)
    notebook = open_notebook(name)
    assert notebook.not_run() == []
    assert notebook.faults() == []
