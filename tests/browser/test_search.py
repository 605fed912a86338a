"""The search of the site finds what people look for, in their own words."""

import re
import tomllib
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from helpers.course import lessons

pytestmark = [
    pytest.mark.full("the site"),
    # With the site, for which all lessons run.
    pytest.mark.timeout(1800),
]
SEARCHES = tomllib.loads(Path(__file__).with_name("searches.toml").read_text("utf-8"))
#: how many of them lead to a right page among the first three
LEAST = 55
#: the pages that the search finds, the best one first
RANK = """query => Search._performSearch(...Search._parseQuery(query)).reverse()
    .map(([page]) => page)"""
NUMBERS = {f"notebooks/{one.path.with_suffix('')}": one.number for one in lessons()}
#: what is among the first three for a word that is searched for, in either language
FOUND = {
    "401": ["02"],
    "403": ["02", "06"],
    "404": ["02", "13"],
    "410": ["15"],
    "422": ["13", "25"],
    "429": ["23"],
    "bearer token": ["05"],
    "exec without --": ["05"],
    "permissive-binding": ["06"],
    "system:anonymous": ["02"],
    "can-i": ["06"],
    "token": ["02", "05", "17"],
    "RBAC": ["06"],
}


def short(page: str) -> str:
    """Return what searches.toml calls a page: the number of a lesson, or its name."""
    return NUMBERS.get(page, page.removeprefix("notebooks/"))


def test_most_searches_lead_to_a_right_page_among_the_first_three(open_page):
    """Sixty, as people type them; each has a page."""
    page = open_page("search.html")
    address, wrong = page.url, {}
    for language, searches in SEARCHES.items():
        folder = "ko/" if language == "ko" else ""
        page.goto(address.replace("search.html", f"{folder}search.html"))
        for typed, right in searches.items():
            first = [short(one) for one in page.evaluate(RANK, typed)[:3]]
            if not {*first} & {*right}:
                wrong[typed] = first
    count = sum(map(len, SEARCHES.values()))
    assert count == 60 and count - len(wrong) >= LEAST, wrong


@pytest.mark.parametrize(
    ("typed", "lesson"),
    [("403", "02"), ("connection refused", "Settings"), ("certificate", "12")],
)
def test_a_search_for_a_failure_leads_to_the_lesson_and_to_its_message(
    open_page, typed, lesson
):
    page = open_page(f"search.html?{urlencode({'q': typed})}")
    found = page.locator("#search-results li > a")
    expect(found.nth(2)).to_be_visible()
    names = found.all_inner_texts()[:3]
    assert any(name.startswith("Errors, message by message") for name in names)
    assert any(name.startswith(lesson) for name in names)


def test_a_result_leads_to_the_section_with_the_words(open_page):
    page = open_page("search.html?q=namespace+terminated")
    found = page.locator("#search-results a[href*='errors.html#']").first
    expect(found).to_contain_text("because it is being terminated")
    found.click()
    expect(page).to_have_url(re.compile("#message-terminating-namespace"))


def test_only_the_page_of_the_search_loads_the_index_and_no_script_stops_a_page(built):
    """Each waits for the page: a script in its place would stop it."""
    files = [*built.rglob("*.html")]
    pages = {
        file: file.read_text("utf-8") for file in files if "_static" not in file.parts
    }
    loading = {file.name for file, text in pages.items() if "searchindex.js" in text}
    assert loading == {"search.html"} and len(pages) > 80
    blocking = {
        tag
        for text in pages.values()
        for tag in re.findall(r"<script [^>]*src=[^>]*>", text)
        if not re.search(r"\bdefer\b", tag)
    }
    assert blocking == set()


@pytest.mark.parametrize("language", ["", "ko/"])
def test_a_search_leads_to_the_lessons_that_explain_a_word(open_page, language):
    page = open_page(f"{language}search.html")
    address = page.url
    missing = {}
    for word, wanted in FOUND.items():
        page.goto(f"{address}?q={word}")
        found = page.locator("#search-results li > a")
        expect(found.nth(2)).to_be_visible()
        first = [text[:2] for text in found.all_inner_texts()[:3]]
        missing[word] = {*wanted} - {*first}
    assert not any(missing.values()), missing


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("forbidden: User", "06 "),
        ("connection refused", "Settings"),
        ("localhost:8080 was refused", "Settings"),
        ("The connection to the server localhost:8080 was refused", "Settings"),
    ],
)
def test_a_search_for_words_of_an_error_leads_first_to_its_cause(
    open_page, typed, first
):
    page = open_page(f"search.html?{urlencode({'q': typed})}")
    found = page.locator("#search-results li > a").first
    expect(found).to_have_text(re.compile(f"^{first}"))


def test_a_search_for_a_pasted_message_finds_the_lesson_about_it(open_page):
    message = (
        'configmaps is forbidden: User "system:serviceaccount:shop:default" cannot '
        'list resource "configmaps" in API group "" in the namespace "shop"'
    )
    page = open_page(f"search.html?{urlencode({'q': message})}")
    found = page.locator("#search-results li > a").filter(has_text=re.compile("^06"))
    expect(found).to_be_visible()


@pytest.mark.parametrize("language", ["", "ko/"])
def test_six_words_of_a_message_find_the_page_of_messages(open_page, language):
    page = open_page(f"{language}search.html")
    address = page.url
    for words in (
        "connection to the server localhost was refused",
        "attempting to grant RBAC permissions not currently",
        "error trying to reach service dial tcp",
    ):
        page.goto(f"{address}?{urlencode({'q': words})}")
        found = page.locator("#search-results li > a[href*='notebooks/errors']")
        expect(found.first).to_be_visible()


def test_a_result_quotes_its_page_from_the_words_as_typed(open_page):
    page = open_page("search.html?q=can-i")
    quotes = page.locator("#search-results .context")
    expect(quotes.nth(4)).to_be_visible()
    assert "can-i" in quotes.first.inner_text()
    assert "Download the notebook" not in " ".join(quotes.all_inner_texts())
