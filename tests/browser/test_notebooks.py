"""Every notebook, opened and run in the browser as a learner has it on the screen."""

import pytest

from tests.notebooks import FILES


@pytest.mark.parametrize("name", [path.stem for path in FILES])
def test_run_all_in_the_browser(open_notebook, name):
    """All cells run, none shows an error, and the browser complains of nothing."""
    notebook = open_notebook(name)
    notebook.run_all()
    assert (notebook.errors(), notebook.not_run()) == ([], [])
    assert notebook.violations() == []
    notebook.theme("dark")
    assert notebook.violations() == []
    assert notebook.console_errors() == []
