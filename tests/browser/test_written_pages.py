"""What lessons without views look like: notebooks that have run, opened in a browser.

The others are looked at where a learner goes through them.
"""

import pytest

from tests.browser.test_learner import STEPS
from tests.notebooks import FILES, executed, in_lab

#: Lessons are made of the same parts, so one shows `make test` what they look like.
SHOWN = "05-inside-a-pod"
full = pytest.mark.full("pages of lessons that hold no view")
PAGES = [
    pytest.param(path, marks=() if path.stem == SHOWN else full, id=path.stem)
    for path in FILES
    if path.stem not in STEPS
]


@pytest.mark.parametrize("path", PAGES)
def test_it_is_for_everybody(lab, open_notebook, path):
    """Its outputs are there, axe finds nothing, and the browser has no complaint."""
    name = in_lab(path)
    lab.write_executed(name, executed(path.stem))
    cells = lab.api("GET", f"contents/{name}.ipynb").json()["content"]["cells"]
    # What is not trusted is not shown.
    assert all(one["metadata"]["trusted"] for one in cells if "outputs" in one)
    notebook = open_notebook(name)
    assert notebook.not_run() == []
    assert notebook.faults() == []
