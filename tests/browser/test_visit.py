"""A visit of several pages in Chromium, with a Worker that answers at once."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.axe import OPTIONS
from tests.browser.lessonpage import DEEPER, NAME, NEXT, cell, run, state
from tests.browser.test_run import (  # noqa: F401
    Server,
    edit,
    lesson_address,
    open_lesson,
    pytestmark as pytestmark,
)

#: links that lead there
GLOSSARY, SECOND = "a[href$='glossary.html']", f"a[href$='{NEXT.name}.html']"
CELLS = ".bd-article .cell"


@pytest.fixture
def page(open_lesson) -> Iterator[Page]:  # noqa: F811
    """Return lesson 02 with a cluster, in a document that is marked."""
    opened = open_lesson()
    opened.evaluate("globalThis.isFirst = true")
    yield opened
    assert opened.evaluate("globalThis.isFirst") is True


def go(page: Page, link: str, title: str) -> None:
    page.locator(f".bd-docs-nav {link}").click()
    expect(page).to_have_title(title)


def ready(page: Page) -> None:
    expect(page.locator("body")).to_have_attribute("data-run", "ready")


def second(page: Page) -> None:
    go(page, SECOND, "03 Walk the API with kubectl proxy — Kubernetes API notebooks")


def test_the_next_lesson_has_the_same_cluster_and_a_new_python(page):
    second(page)
    assert page.url.endswith(f"{NEXT.name}.html")
    expect(page.locator("#run-state")).to_contain_text("this lesson's Python is new")
    ready(page)
    assert page.evaluate("scrollY") == 0
    place = page.locator(CELLS).first
    run(place)
    expect(place.locator(".live")).to_contain_text("ran ")
    current = page.locator(".bd-docs-nav a.current")
    expect(current).to_contain_text("03 Walk the API")
    assert page.locator(".prev-next-area a").count() == 2
    expect(page.locator(".lesson a[download]")).to_have_attribute(
        "href", f"{page.url.removesuffix('.html')}.ipynb"
    )
    # The texts of each lesson are kept apart.
    edit(page.locator(CELLS).nth(1), "mine")
    kept = page.evaluate("localStorage.getItem('kubernetes-api-notebooks/cells')")
    assert f'"en/notebooks/{NEXT.name}":' in kept
    assert Axe().run(page, options=OPTIONS).response["violations"] == []


def test_a_page_to_look_something_up_leaves_the_lesson_as_it_is(page):
    run(cell(page, "connect"))
    edit(cell(page, "server"), "endless")
    cell(page, "server").get_by_role("button", name="Run", exact=True).click()
    expect(state(cell(page, "server"))).to_have_text("Running.")
    cell(page, "server").scroll_into_view_if_needed()
    height = page.evaluate("scrollY")
    go(page, GLOSSARY, "Glossary — Kubernetes API notebooks")
    expect(page.locator("#run-here")).to_have_count(0)
    page.go_back()
    ready(page)
    expect(cell(page, "connect").locator(".live")).to_contain_text("ran from")
    expect(state(cell(page, "server"))).to_have_text("Running.")
    page.wait_for_function(f"Math.abs(scrollY - {height}) < 5")
    cell(page, "server").get_by_role("button", name="Stop").click()
    expect(state(cell(page, "server"))).to_contain_text("Ended with an error")
    # By a link, too, and forward again.
    page.go_forward()
    page.locator(".bd-article").get_by_role("link", name="Back to 02").click()
    expect(cell(page, "connect").locator(".live")).to_contain_text("ran from")


def test_the_playground_has_the_cluster_of_the_lesson(page):
    run(cell(page, "connect"))
    go(
        page,
        "a[href$='try.html']",
        "Try it: a Kubernetes playground — Kubernetes API notebooks",
    )
    expect(page.locator("body")).to_have_attribute("data-tab", "ready")
    expect(page.locator("#tab-state")).to_contain_text("with all that you have made")
    page.locator("#tab-line").fill("kubectl get pods")
    page.keyboard.press("Enter")
    answer = "kubectl get pods|the cluster of the lesson"
    expect(page.get_by_role("log")).to_contain_text(answer)
    assert len(page.workers) == 1
    page.go_back()
    expect(cell(page, "connect").locator(".live")).to_contain_text("ran from")


def test_a_search_leaves_the_lesson_as_it_is_too(page):
    run(cell(page, "connect"))
    page.keyboard.press("Control+k")
    page.locator("#pst-search-dialog input").fill("certificate")
    page.keyboard.press("Enter")
    expect(page.locator("#search-results li").first).to_be_visible()
    expect(page.locator("#pst-search-dialog")).to_be_hidden()
    page.go_back()
    expect(cell(page, "connect").locator(".live")).to_contain_text("ran from")
    assert page.locator(".prev-next-area a").count() == 2


def test_the_lesson_before_has_a_new_python_when_the_reader_goes_back(page):
    run(cell(page, "connect"))
    edit(cell(page, "server"), "endless")
    cell(page, "server").get_by_role("button", name="Run", exact=True).click()
    second(page)
    ready(page)
    page.go_back()
    ready(page)
    expect(page.locator("#run-state")).to_contain_text("this lesson's Python is new")
    expect(cell(page, "connect").locator(".live")).to_be_hidden()
    expect(cell(page, "server").get_by_role("textbox")).to_have_value("endless")
    run(cell(page, "connect"))
    expect(cell(page, "connect").locator(".live")).to_contain_text("ran from")


def test_links_lead_where_they_should_from_pages_of_another_depth(page):
    page.locator(f".bd-docs-nav a[href$='{DEEPER.name}.html']").click()
    expect(page).to_have_title(re.compile("^16 "))
    ready(page)
    run(page.locator(CELLS).first)
    go(page, GLOSSARY, "Glossary — Kubernetes API notebooks")
    assert page.url.endswith("/notebooks/glossary.html")
    second(page)
    ready(page)
    assert page.url.endswith(f"/notebooks/{NEXT.name}.html")


def test_a_start_goes_on_while_another_page_is_read(open_lesson, monkeypatch):  # noqa: F811
    monkeypatch.setattr(Server, "fault", "slow")
    page = open_lesson(start=False)
    page.locator("#run-start").click()
    expect(page.locator("#run-state")).to_have_text("Downloading: 3 of 53 MB.")
    page.wait_for_function("globalThis.keepsPages")
    second(page)
    expect(page.locator("#run-state")).to_have_text("Downloading: 3 of 53 MB.")
    page.locator("#run-cancel").click()
    expect(page.locator("#run-state")).to_have_text("The start was cancelled.")
    expect(page.locator("#run-start")).to_be_visible()


def test_what_ends_the_cluster_asks_first(page):
    asked: list[tuple[str, str]] = []

    def refuse(dialog) -> None:
        asked.append((dialog.type, dialog.message))
        dialog.dismiss()

    page.on("dialog", refuse)
    page.locator("#run-yours > summary").click()
    page.locator("#run-restart").click()
    page.evaluate("location.href = 'https://example.com/'")
    page.wait_for_function("document.readyState === 'complete'")
    run(cell(page, "connect"))
    page.evaluate("setTimeout(() => location.reload())")
    run(cell(page, "connect"))
    kinds = [kind for kind, _ in asked]
    assert kinds[:2] == ["confirm", "confirm"] and "beforeunload" in kinds
    assert all("are kept" in told for kind, told in asked if kind == "confirm")


def test_a_double_click_neither_cancels_nor_restarts(open_lesson):  # noqa: F811
    page = open_lesson(start=False)
    page.locator("#run-start").dblclick()
    ready(page)
    expect(page.locator("#run-state")).to_contain_text("The cluster is new")
    place = cell(page, "connect")
    place.get_by_role("button", name="Run", exact=True).dblclick()
    expect(place.locator(".live")).to_contain_text("ran from")


def test_a_page_that_cannot_be_loaded_leaves_the_lesson_there(page):
    page.route("**/glossary.html", lambda route: route.abort())
    told: list[str] = []
    page.on("dialog", lambda dialog: (told.append(dialog.message), dialog.accept()))
    run(cell(page, "connect"))
    shown = cell(page, "connect").element_handle()
    with page.expect_event("dialog"):
        page.locator(f".bd-docs-nav {GLOSSARY}").click()
    page.wait_for_url(f"**/{NAME}.html")
    run(cell(page, "certificate"))
    assert shown.is_visible()
    expect(cell(page, "connect").locator(".live")).to_contain_text("ran from")
    expect(cell(page, "certificate").locator(".live")).to_contain_text("ran ")
    assert len(told) == 1 and "goes on" in told[0]


def test_after_a_reload_back_shows_the_page_of_the_address(open_lesson):  # noqa: F811
    page = open_lesson()
    second(page)
    page.once("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.go_back()
    expect(page).to_have_title(
        "02 Find the API server and trust it — Kubernetes API notebooks"
    )
    expect(cell(page, "connect").locator(".cell_output").last).to_have_text("recorded")


def test_below_a_cell_the_others_run_and_there_is_room_for_a_cell_of_ones_own(page):
    run(cell(page, "certificate"), "Run all below")
    expect(cell(page, "certificate").locator(".live")).to_contain_text("ran ")
    expect(cell(page, "connect").locator(".live")).to_be_hidden()
    cell(page, "connect").get_by_role("button", name="New cell").click()
    own = page.locator(".cell.own")
    expect(own.get_by_role("textbox")).to_be_focused()
    page.keyboard.type("mine")
    page.keyboard.press("Control+Enter")
    expect(own.locator(".live")).to_have_text("ran mine")
