"""A real browser, a real JupyterLab and the cluster of this run."""

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests.browser.jupyterlab import JupyterLab
from tests.browser.notebook import ACTION, OpenNotebook

WINDOW = ViewportSize(width=1300, height=1000)


# `package`, not `session`: Playwright keeps an event loop in this thread, and nbval,
# whose notebooks come after these tests, would find it running.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("Chromium is not here. Run: sh tools/setup.sh tests")
    expect.set_options(timeout=ACTION * 1000)
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=program)


@pytest.fixture(scope="package")
def lab(browser, cluster, tmp_path_factory) -> Iterator[JupyterLab]:
    server = JupyterLab(tmp_path_factory.mktemp("jupyterlab"))
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(scope="package")
def window(browser) -> BrowserContext:
    """Return the window of one person, who gets the files of JupyterLab once."""
    return browser.new_context(viewport=WINDOW)


@pytest.fixture
def open_notebook(window, lab) -> Iterator[Callable[..., OpenNotebook]]:
    """Return a function that opens a notebook by name, without its ending.

    Page and kernel end with the test.
    """

    def open_one(name: str, theme: str = "light") -> OpenNotebook:
        return OpenNotebook(window.new_page(), lab.address(name), name).open(theme)

    yield open_one
    for page in window.pages:
        page.close()
    lab.shut_down_kernels()
