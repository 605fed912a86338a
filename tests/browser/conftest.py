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
CONNECT = """
from helpers import Caller, connect, kubectl, wait_for, widgets
cluster = connect()
namespace = cluster.create_namespace("{lesson}")
"""


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


@pytest.fixture
def notebook(request, lab, open_notebook) -> Iterator[OpenNotebook]:
    """Open a notebook with a view, and delete its namespace in the end.

    `request.param` is the name of both, and its cells: `view`, what it needs first
    (`prepare`), and others, which the test runs.
    """
    lesson, cells = request.param
    connect = CONNECT.format(lesson=lesson)
    clean = "cluster.delete_namespace(namespace)"
    lab.write(lesson, {"connect": connect, **cells, "clean": clean})
    opened = open_notebook(lesson)
    opened.run("connect", *(one for one in ("prepare", "view") if one in cells))
    yield opened
    opened.run("clean")
