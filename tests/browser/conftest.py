"""A real browser, a real JupyterLab, the site, and the cluster of this run."""

import functools
import importlib.util
import itertools
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

from helpers.course.exercise import with_solutions
from tab import build
from tests.browser.jupyterlab import JupyterLab
from tests.browser.notebook import ACTION, OpenNotebook
from tests.browser.webserver import opening, serving
from tests.notebooks import FILES, ROOT, executed, in_lab, load
from website import build as site

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


def open_in(window, lab, name: str, theme: str = "light") -> OpenNotebook:
    """Open a notebook by name, without its ending."""
    return OpenNotebook(window.new_page(), lab.address(name), name).open(theme)


@pytest.fixture
def open_notebook(window, lab) -> Iterator[Callable[..., OpenNotebook]]:
    """Return a function that opens a notebook by name, without its ending.

    Page and kernel end with the test.
    """

    yield functools.partial(open_in, window, lab)
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


@pytest.fixture(scope="package")
def built(cluster, tmp_path_factory) -> Path:
    """Return the directory of the site, built from the lessons as they ran here."""
    if importlib.util.find_spec("sphinx") is None:
        pytest.skip("Sphinx is not here. Run: sh tools/setup.sh site")
    folder = tmp_path_factory.mktemp("site")
    assert site.languages() == ["en", "ko"]
    for part, path in itertools.product(("", "ko"), FILES):
        name = f"{part}/{in_lab(path)}.ipynb".strip("/")
        file = folder / "ran" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        ran = executed(path.stem)
        # The outputs of English, for the cells of each language.
        own = with_solutions(load(ROOT / "notebooks" / name))["cells"]
        for cell, spoken in zip(ran["cells"], own, strict=True):
            cell["source"] = spoken["source"]
        file.write_text(json.dumps(ran))
    ran, target = folder / "ran", folder / "site"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site, "REPOSITORY", "some/one")
        # A build takes longer than these tests.
        patch.setenv("TAB", "" if build.find() else "no")
        assert site.main(["--executed", str(ran), "--target", str(target)]) == 0
    return target


@pytest.fixture(scope="package")
def address(built) -> Iterator[str]:
    """Return the address of a web server that has the site."""
    with serving(built) as url:
        yield url


@pytest.fixture
def open_page(browser, address) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a page of the site, which keeps to itself."""
    with opening(browser, address) as open_one:
        yield open_one
