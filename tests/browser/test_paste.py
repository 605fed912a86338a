"""The box *Paste an error* answers in the page: as text, in its language, alone."""

import re
import shutil

import pytest
from playwright.sync_api import Page, expect

from tests.notebooks import ROOT
from tools import errors
from website import build as site

pytestmark = pytest.mark.full("the site")
FORBIDDEN = (
    'pods is forbidden: User "system:serviceaccount:shop:<b>clerk</b>" cannot list '
    'resource "pods" in API group "" in the namespace "shop"'
)
PAGE = """<!DOCTYPE html>
<html lang="{language}" data-content_root="./">
<meta charset="utf-8"><title>Errors</title>
<main><h1>Errors</h1>{box}</main>
<script src="rules.js" defer></script>
<script src="explain.js" defer></script>
<script src="paste.js" defer></script>
"""


@pytest.fixture
def box(browser, tmp_path, request) -> Page:
    """Open a page that has the box alone, from a file; it asks for nothing else."""
    language = request.param
    for name in ("explain.js", "paste.js"):
        shutil.copy(ROOT / "website/_static" / name, tmp_path)
    data = errors.script(site.translator(language), trial="try.html")
    (tmp_path / "rules.js").write_text(data, "utf-8")
    html = PAGE.format(language=language, box=errors.BOX)
    (tmp_path / "page.html").write_text(html, "utf-8")
    page = browser.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    page.on("request", lambda asked: pytest.fail(asked.url))
    yield page
    page.close()


def paste(page: Page, text: str):
    """Paste a text by keyboard alone; return the answer."""
    page.locator("#explain textarea").fill(text)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    answer = page.get_by_role("status")
    expect(answer).not_to_be_empty()
    return answer


@pytest.mark.parametrize("box", ["en", "ko"], indirect=True)
def test_a_message_is_explained_as_text(box):
    answer = paste(box, FORBIDDEN)
    expect(answer.locator("pre")).to_contain_text("kubectl create role")
    expect(answer.locator("pre")).to_contain_text("'shop:<b>clerk</b>'")
    assert answer.locator("b").count() == 0
    links = [link.get_attribute("href") for link in answer.get_by_role("link").all()]
    lesson, page, trial = links
    assert lesson == "./notebooks/06-be-allowed.html"
    assert page == "./notebooks/errors.html#message-forbidden-list"
    assert trial.startswith("./try.html#line=kubectl%20get")


@pytest.mark.parametrize("box", ["ko"], indirect=True)
def test_it_speaks_the_language_of_the_page(box):
    assert re.search("[가-힣]", box.locator("#explain label").inner_text())
    for text in (FORBIDDEN, "404 page not found", "", "?"):
        for words in paste(box, text).locator("dt, dd").all_inner_texts():
            # A command has none.
            assert re.search("[가-힣]", words) or words.startswith("kubectl "), words


@pytest.mark.parametrize("box", ["en"], indirect=True)
@pytest.mark.parametrize(
    "text",
    [
        "",
        "<img src=x onerror=document.title='run'><script>document.title='run'</script>",
    ],
)
def test_what_no_rule_knows_is_said(box, text):
    answer = paste(box, text)
    expect(answer.locator("dd").first).to_contain_text("no")
    assert answer.locator("img, script, pre, a").count() == 0
    assert box.title() == "Errors"
