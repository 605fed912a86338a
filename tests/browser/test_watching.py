"""Watches of the notebook tests find the faults that they look for."""

import pytest

pytestmark = pytest.mark.full("views by hand")


#: A button without a name, pale text, a complaint on the console, an exception on the
#: page.
PLANTED = """\
from IPython.display import HTML, Javascript, display
display(HTML("<button></button><p style='color: #bbb'>pale</p>"))
display(Javascript("console.error('planted'); setTimeout(() => planted.fail())"))
1 / 0
"""


def test_faults_are_found(open_notebook):
    """A test that cannot fail would say nothing of a notebook."""
    # Another test may have run and saved a notebook of those that it opens.
    notebook = open_notebook("02-cluster-info")
    assert (notebook.errors(), notebook.violations()) == ([], [])
    notebook.type_into("connect", PLANTED)
    with notebook.page.expect_event("pageerror"):
        notebook.run("connect")
    assert notebook.errors() == ["connect: ZeroDivisionError: division by zero"]
    found = {(each.cell, each.rule) for each in notebook.violations()}
    assert found == {("connect", "button-name"), ("connect", "color-contrast")}
    complaints = notebook.console_errors()
    assert any("planted" in text for text in complaints)
    assert any("planted is not defined" in text for text in complaints)
    assert "server" in notebook.not_run()
