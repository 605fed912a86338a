"""A real browser, a real JupyterLab and the cluster of this run."""

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.jupyterlab import JupyterLab
from tests.browser.notebook import OpenNotebook

#: A name that is not this machine's, as a hosted learner's browser knows it.
FOREIGN_HOST = "hub.example"
WINDOW = {"width": 1300, "height": 1000}


# `package`, not `session`: Playwright keeps an event loop in this thread, and nbval,
# whose notebooks come after these tests, would find it running.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Return Debian's Chromium; nothing is downloaded for these tests."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed: sudo apt-get install chromium")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=program,
            args=[f"--host-resolver-rules=MAP {FOREIGN_HOST} 127.0.0.1"],
        )


@pytest.fixture(scope="package")
def lab(browser, cluster, tmp_path_factory) -> Iterator[JupyterLab]:
    """Return the JupyterLab that the tests share."""
    server = JupyterLab(tmp_path_factory.mktemp("jupyterlab"))
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
def open_notebook(browser, lab) -> Iterator[Callable[..., OpenNotebook]]:
    """Return a function that opens a notebook by name, without its ending.

    Its page and its kernel end with the test.
    """
    contexts = []

    def open_one(name: str, theme: str = "light") -> OpenNotebook:
        contexts.append(browser.new_context(viewport=WINDOW))
        # `reset`: no page of a test before. The token becomes a cookie.
        url = f"{lab.url}lab/tree/{name}.ipynb?reset&token={lab.token}"
        return OpenNotebook(contexts[-1].new_page(), url, name).open(theme)

    yield open_one
    for context in contexts:
        context.close()
    lab.shut_down_kernels()
