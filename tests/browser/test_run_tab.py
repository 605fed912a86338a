"""A lesson's page that runs, in Chromium, with a cluster and Python.

test_run.py has what the page itself does; test_tab_lessons.py has all cells of lessons.
"""

import importlib.util
import shutil
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tab import build, pack
from tests.browser.axe import OPTIONS
from tests.browser.conftest import WINDOW
from tests.browser.lessonpage import CODE, NAME, cell, make_site, run, state
from tests.browser.webserver import opening, serving
from website import bundle

pytestmark = [
    pytest.mark.full("a cluster and Python in a browser"),
    pytest.mark.skipif(
        importlib.util.find_spec("sphinx") is None,
        reason="Sphinx is not here. Run: sh tools/setup.sh site",
    ),
    pytest.mark.skipif(
        build.find() is None,
        reason="the program for the browser is not here. Run: python -m tab.build",
    ),
    pytest.mark.skipif(not shutil.which("npm"), reason="npm is not here"),
    pytest.mark.timeout(1800),
]
#: milliseconds until all is ready, and for cells, on a busy machine
READY, CELLS = 900_000, 300_000


@pytest.fixture(scope="module")
def lesson_address(tmp_path_factory) -> Iterator[str]:
    """Return where lesson 02 is, with all that it runs with."""
    pack.ensure()
    bundle.ensure()
    with serving(make_site(tmp_path_factory.mktemp("run"), ("en",))) as url:
        yield url


@pytest.fixture(scope="module")
def page(browser, lesson_address) -> Iterator[Page]:
    """Return the page when it is ready; nothing of it reached another host."""
    with opening(browser, lesson_address, viewport=WINDOW) as open_one:
        opened = open_one(f"notebooks/{NAME}.html")
        start(opened)
        yield opened


def start(page: Page) -> None:
    page.locator("#run-start").click()
    expect(page.locator("body")).to_have_attribute("data-run", "ready", timeout=READY)


def edit(page: Page, name: str, code: str) -> None:
    """Write other code into a cell, and run it."""
    place = cell(page, name)
    button = place.get_by_role("button", name="Edit")
    if button.is_visible():
        button.click()
    place.get_by_role("textbox").fill(code)
    run(place, limit=CELLS)


def test_a_lesson_runs_to_its_end_and_its_answers_outlive_a_reload(page):
    last = cell(page, CODE[-1])
    run(last, "Run all above", limit=CELLS)
    expect(state(cell(page, "connect"))).to_contain_text("Ran in")
    expect(cell(page, "connect").locator(".live")).to_contain_text("tab")
    expect(cell(page, "cacert").locator(".live")).to_contain_text('"reason"')
    # An exercise without an answer, with a wrong and with the right one.
    check = cell(page, "predict-check")
    expect(check.locator(".live")).to_contain_text("A: there is no number yet.")
    edit(page, "predict-stub", 'statuses = dict.fromkeys("ABCDEF", 200)')
    run(check, limit=CELLS)
    expect(state(check)).to_contain_text("Ended with an error")
    solution = 'statuses = {"A": 200, "B": 403, "C": 401, "D": 200, "E": 403, "F": 404}'
    edit(page, "predict-stub", solution)
    run(check, limit=CELLS)
    expect(check.locator(".live")).to_have_text("Correct.")
    table = cell(page, "table").locator(".live table")
    expect(table).to_contain_text("ServiceAccount")
    run(last, limit=CELLS)
    expect(last.locator(".live")).to_contain_text("1 of 2")
    assert Axe().run(page, options=OPTIONS).response["violations"] == []

    place = cell(page, "server")
    place.get_by_role("button", name="Edit").click()
    place.get_by_role("textbox").fill("while True: pass")
    place.get_by_role("button", name="Run", exact=True).click()
    expect(state(place)).to_have_text("Running.")
    place.get_by_role("button", name="Stop").click()
    expect(place.locator(".live")).to_contain_text("stopped", timeout=CELLS)
    # A loop that prints leaves the page and its Stop alive.
    place.get_by_role("textbox").fill("while True: print('Hello\\n' * 1000)")
    place.get_by_role("button", name="Run", exact=True).click()
    expect(place.locator(".live")).to_contain_text("Hello\nHello", timeout=CELLS)
    place.get_by_role("button", name="Stop").click()
    expect(place.locator(".live")).to_contain_text("stopped", timeout=CELLS)
    expect(place.locator(".live")).to_contain_text("characters are not shown")
    # One that displays, too; the last outputs are kept.
    displays = (
        "from IPython.display import HTML\nwhile True: display(HTML('<b>Hi</b>'))"
    )
    place.get_by_role("textbox").fill(displays)
    place.get_by_role("button", name="Run", exact=True).click()
    expect(place.locator(".live > *")).to_have_count(201, timeout=CELLS)
    place.get_by_role("button", name="Stop").click()
    expect(state(place)).to_contain_text("Ended with an error", timeout=CELLS)
    edit(page, "server", "1 + 1")
    expect(place.locator(".live")).to_have_text("2")

    page.reload()
    expect(page.locator("#run-state")).to_contain_text("an earlier visit")
    start(page)
    expect(place.get_by_role("textbox")).to_have_value("1 + 1")
    edit(page, "server", 'from helpers import progress\nprogress("02")')
    expect(place.locator(".live")).to_contain_text("1 of 2")


def test_views_move_between_cells_and_while_one_waits(page):
    """A learner's own widgets, and a callback without end, which a stop ends."""
    live = cell(page, "server").locator(".live")
    own = """
import ipywidgets, time
button, count = ipywidgets.Button(description="Press"), []
button.on_click(lambda _: (time.sleep(0.01), count.append(1), print(len(count))))
button
"""
    edit(page, "server", own)
    waiting = cell(page, "table")
    waiting.get_by_role("button", name="Edit").click()
    code = "while not count: time.sleep(0.1)\nlen(count)"
    waiting.get_by_role("textbox").fill(code)
    waiting.get_by_role("button", name="Run", exact=True).click()
    live.get_by_role("button", name="Press").click()
    expect(live.locator(".stream")).to_have_text("1", timeout=CELLS)
    expect(waiting.locator(".live")).to_have_text("1", timeout=CELLS)

    endless = "def loop(_):\n    while True: pass\nbutton.on_click(loop)\nbutton"
    edit(page, "server", endless)
    live.get_by_role("button", name="Press").click()
    expect(state(cell(page, "server"))).to_contain_text("is busy", timeout=CELLS)
    edit(page, "table", "1 + 1")
    expect(waiting.locator(".live")).to_have_text("2")
    cell(page, "server").get_by_role("button", name="Stop").click()
    expect(live).to_contain_text("This cell was stopped", timeout=CELLS)
    edit(page, "server", "ipywidgets.interact(lambda x: x * 2, x=(1, 9));")
    live.get_by_role("slider").press("ArrowRight")
    expect(live).to_contain_text("12", timeout=CELLS)
    assert Axe().run(page, options=OPTIONS).response["violations"] == []
