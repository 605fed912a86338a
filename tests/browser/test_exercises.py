"""Exercises look like exercises, and a check that is not passed is no crash."""

import pytest

from tests.browser.conftest import open_in
from tests.browser.notebook import CELL

LESSON = "00-start-here"
#: what the page is asked about a cell: its bar, the ground of its output, where lines
#: of that may break, and whether it is read out
LOOK = """cell => {
    const output = cell.querySelector('[data-mime-type$="stderr"]');
    const ground = output && getComputedStyle(output);
    return {
        bar: getComputedStyle(cell).boxShadow !== 'none',
        ground: ground?.backgroundColor,
        words: output && getComputedStyle(output.querySelector('pre')).wordBreak,
        live: cell.querySelector('.jp-OutputArea')?.getAttribute('aria-live'),
    };
}"""
#: an error that no check has raised
CRASH = "1 / 0"
NOTHING = "rgba(0, 0, 0, 0)"


@pytest.fixture(scope="module")
def notebook(window, lab):
    """Yield the lesson in one page for both tests: to load JupyterLab takes longest."""
    opened = open_in(window, lab, LESSON)
    yield opened
    opened.run("connect", "clean-up")
    opened.page.close()
    lab.shut_down_kernels()


def look(notebook, cell):
    return notebook.select(cell).evaluate(LOOK)


def test_run_all_stops_at_the_first_check_that_is_not_passed(notebook):
    """Before the cells that delete what the exercise needs."""
    notebook.run_all(timeout=2 * CELL)
    left = notebook.not_run()
    assert left[0] == "version-stub" and "clean-up" in left
    [error] = notebook.errors()
    assert error.startswith("label-check: NotSolved: ")


def test_the_cells_of_an_exercise_have_a_bar_and_a_refusal_is_not_red(notebook):
    """By their tags; a screen reader is told what a check says."""
    notebook.run("connect", "label-stub", "label-check")
    exercise = [f"label-{part}" for part in ("task", "hint", "stub", "check")]
    assert [look(notebook, cell)["bar"] for cell in exercise] == [True] * 4
    assert look(notebook, "label-solution")["bar"]
    assert not look(notebook, "whoami-why")["bar"]
    refused = look(notebook, "label-check")
    assert (refused["ground"], refused["live"]) == (NOTHING, "polite")
    assert refused["words"] == "keep-all"
    notebook.type_into("label-check", CRASH)
    notebook.run("label-check")
    assert look(notebook, "label-check")["ground"] != NOTHING


def test_prose_has_lines_that_one_reads_and_the_first_cell_is_seen_at_once(notebook):
    """On a wide screen, and on a small one without scrolling."""
    page = notebook.page
    before = page.viewport_size
    page.set_viewport_size({"width": 1920, "height": 1080})
    widths = page.locator(".jp-MarkdownOutput > p:not(:has(img))").evaluate_all(
        "all => all.map(p => p.clientWidth / parseFloat(getComputedStyle(p).fontSize))"
    )
    assert len(widths) > 10 and max(widths) <= 46
    picture = page.locator(".jp-MarkdownOutput > p:has(img)").first
    assert picture.evaluate("p => p.clientWidth") > 46 * 16
    page.set_viewport_size({"width": 1280, "height": 800})
    notebook.select("title")
    box = notebook.select("connect").bounding_box()
    assert box["y"] + box["height"] < 800
    page.set_viewport_size(before)
