"""The site in a browser: for everybody, from one host alone, also by keyboard."""

import gzip
import re
import struct
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from cluster.tests.waiting import until
from tab import build
from tests.browser import looked
from tests.browser.axe import OPTIONS
from tests.notebooks import FILES, ROOT

pytestmark = [
    pytest.mark.full("the site"),
    # Every page, with axe; alone it also runs all lessons.
    pytest.mark.timeout(1800),
]
#: whether all that scrolls has its place in the order of Tab
TABBED = """() => [...document.querySelectorAll(
    "pre, .cell_output > .output, .pst-scrollable-table-container"
)].every(one => one.scrollWidth <= one.clientWidth || one.tabIndex === 0)"""
#: the results that are wider than their box, and where
CUT = """() => [...document.querySelectorAll(".cell_output .text_plain pre")]
    .filter(one => one.checkVisibility() && one.scrollWidth > one.clientWidth)
    .map(one => one.textContent)"""
#: the words of the commands of the cheat sheet that stand on more than one line
BROKEN = """() => {
    const all = document.createRange();
    const lines = (word) => {
        all.selectNodeContents(word);
        return new Set([...all.getClientRects()].map(box => box.top)).size;
    };
    return [...document.querySelectorAll("td:first-child code .pre")]
        .filter(word => lines(word) > 1).map(word => word.textContent);
}"""
#: whether parts of a page have a ground of their own, and a shadow
LOOK = """parts => parts.map(one => {
    const style = getComputedStyle(one);
    return [style.backgroundColor !== "rgba(0, 0, 0, 0)", style.boxShadow !== "none"];
})"""
#: bytes of the first page with all that it loads, as GitHub sends them
PAGE_MOST = 300_000
LESSON, DOC = "notebooks/02-cluster-info.html", "docs/binder.html"


def pages(built: Path) -> list[Path]:
    """Return all pages but that of GitHub for a wrong address, which is bare."""
    found = (file for file in built.rglob("*.html") if "_static" not in str(file))
    return sorted(file for file in found if file.name != "404.html")


def every(name: str) -> bool:
    """Return that a page is looked at, whatever it is."""
    return True


def looks(
    built: Path, page: Page, chosen: Callable[[str], bool] = every
) -> Iterator[tuple[str, Page]]:
    """Yield each page, in the window and the theme that it is looked at in, by name.

    On a light desk and a dark phone; a page in two languages once in each.
    """
    root = page.url.removesuffix("index.html")
    for name in filter(chosen, (str(one.relative_to(built)) for one in pages(built))):
        page.goto(root + name)
        is_twin = (built / "ko" / name).exists()
        desk, phone = not name.startswith("ko/"), not is_twin
        for width, theme in [(1280, "light")] * desk + [(390, "dark")] * phone:
            page.set_viewport_size({"width": width, "height": 1000})
            page.emulate_media(color_scheme=theme)
            expect(page.locator("html")).to_have_attribute("data-theme", theme)
            yield name, page


def axe_faults(
    built: Path, page: Page, chosen: Callable[[str], bool] = every
) -> list[tuple[str, str, str]]:
    """Return what axe finds on the chosen pages, of which there is at least one."""
    faults, count = [], 0
    for name, shown in looks(built, page, chosen):
        # What scrolls gets its place a moment after the window changes.
        until(lambda: page.evaluate(TABBED))
        for rule in Axe().run(shown, options=OPTIONS).response["violations"]:
            faults += [(name, rule["id"], node["html"]) for node in rule["nodes"]]
        count += 1
    assert count
    return faults


def test_axe_finds_nothing_on_a_page_of_each_kind_and_on_all_that_changed(
    built, open_page
):
    """All, where a template, a style or a widget is not as all were looked at with."""
    names = {str(file.relative_to(built)) for file in pages(built)}
    kinds = {*looked.KINDS} - ({"try.html"} if not build.find() else set())
    assert kinds <= names
    page = open_page("index.html", reduced_motion="reduce")

    def chosen(name: str) -> bool:
        return looked.has_changed() or name.removeprefix("ko/") in kinds

    assert axe_faults(built, page, chosen) == []


@pytest.mark.machines("axe on all pages: minutes")
def test_axe_finds_nothing_on_any_page(built, open_page):
    page = open_page("index.html", reduced_motion="reduce")
    assert axe_faults(built, page) == []


def test_no_page_is_wider_than_the_window_and_no_output_is_cut(built, open_page):
    """And all that scrolls can be reached by Tab."""
    page = open_page("index.html", reduced_motion="reduce")
    faults, count = [], 0
    for name, shown in looks(built, page):
        width = shown.viewport_size["width"]
        # The policy of a page forbids what wait_for_function() evaluates in it.
        until(lambda: page.evaluate(TABBED))
        if shown.evaluate("document.documentElement.scrollWidth") > width:
            faults.append((name, width, "wider than the window"))
        if width == 1280:
            faults += [(name, "cut", text) for text in shown.evaluate(CUT)]
        elif name.startswith("ko/"):
            # Outputs are looked at on each desk: those in Korean are of other widths.
            shown.set_viewport_size({"width": 1280, "height": 1000})
            faults += [(name, "cut", text) for text in shown.evaluate(CUT)]
        count += 1
    assert count > 2 * (
        len(FILES)
        + sum(len([*(ROOT / one).glob("*.md")]) for one in ("docs", "cluster/docs"))
    )
    assert faults == []


class Links(HTMLParser):
    """Collect the links, the pictures and the places of a page."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.feed(file.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list) -> None:
        of = dict(attrs)
        self.links += [of[name] for name in ("href", "src") if of.get(name)]
        self.ids += [of["id"]] if of.get("id") else []


def test_every_link_of_the_site_leads_somewhere(built):
    """Also to the place on the page that it names."""
    found = {file: Links(file) for file in pages(built)}
    lost = []
    for file, page in found.items():
        for link in page.links:
            url = urlsplit(link)
            if url.scheme:
                continue
            there = (file.parent / unquote(url.path)).resolve() if url.path else file
            place = unquote(url.fragment)
            if not there.is_file() or place and place not in found[there].ids:
                lost.append((file.name, link))
    assert lost == []


def test_each_page_forbids_what_comes_from_another_host(built):
    """Chromium's console says what breaks this, and the tests here fail by that."""
    files = [*pages(built), built / "404.html"]
    policy = re.compile("Content-Security-Policy\" content=\"default-src 'self'; ")
    bare = [file.name for file in files if not policy.search(file.read_text("utf-8"))]
    assert bare == []


def test_an_id_stands_once_on_a_page(built):
    ids = {file.name: Links(file).ids for file in pages(built)}
    assert [name for name, found in ids.items() if len({*found}) < len(found)] == []


def press(page: Page, key: str, until, most: int = 120) -> None:
    """Press a key until this locator has the focus."""
    for _ in range(most):
        if until.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{until} is not reached by {key}")


def test_the_keyboard_is_enough(open_page):
    """For the search, a solution, the theme, and the next lesson."""
    page = open_page("index.html", color_scheme="light")
    page.keyboard.press("Control+k")
    page.keyboard.type("predict_curl")
    page.keyboard.press("Enter")
    hit = page.locator("#search-results a").first
    expect(hit).to_contain_text("02 Find the API server")
    press(page, "Tab", hit)
    page.keyboard.press("Enter")
    expect(page).to_have_title(re.compile("02 Find the API server"))

    theme = page.locator("button.theme-switch-button:visible")
    press(page, "Tab", theme)
    page.keyboard.press("Enter")
    press(page, "ArrowDown", page.locator("button[data-mode=dark]:visible"))
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")

    solution = page.locator("details:has(summary b:has-text('Solution'))").first
    summary, code = solution.locator("summary"), solution.locator("pre")
    expect(code).to_be_hidden()
    press(page, "Tab", summary)
    page.keyboard.press("Enter")
    expect(code).to_be_visible()

    following = page.locator("a.right-next")
    press(page, "Tab", following)
    page.keyboard.press("Enter")
    expect(page).to_have_title(re.compile("^03 "))


def test_a_lesson_has_its_ways_on_and_says_what_it_is(built, open_page):
    page = open_page(LESSON)
    ways = page.locator(".lesson a")
    assert ways.count() == 2
    launch, download = (ways.nth(n).get_attribute("href") for n in range(2))
    binder = "https://mybinder.org/v2/gh/some/one/binder?urlpath=lab/tree/"
    assert launch == f"{binder}notebooks/02-cluster-info.ipynb"
    own = built / "notebooks" / download
    assert own.read_bytes() == (ROOT / "notebooks/02-cluster-info.ipynb").read_bytes()
    # Under the title; what is at the end of a notebook, the page has anyway.
    assert page.locator("main p:has-text('→')").count() == 1
    assert "0 of" not in page.locator("main").inner_text()
    told = {
        name: page.locator(f"meta[property='og:{name}']").get_attribute("content")
        for name in ("title", "description", "image")
    }
    assert told["title"] == "02 Find the API server and trust it"
    assert told["description"].startswith("Find the API server, trust it")
    cards = [told["image"].partition("some.github.io/one/")[2], "ko/_static/card.png"]
    pictures = [(built / card).read_bytes() for card in cards]
    # In each language, of the size of a PNG that its head says.
    assert {struct.unpack(">II", one[16:24]) for one in pictures} == {(1200, 630)}
    assert pictures[0] != pictures[1]


def test_whoever_reads_korean_lands_there_and_can_leave(built, open_page):
    """Each page leads to the other language; a search finds a noun with a particle."""
    page = open_page("index.html", locale="ko-KR")
    expect(page).to_have_url(re.compile("/ko/index.html$"))
    page.locator("a[hreflang=en]:visible").first.click()
    expect(page).to_have_url(re.compile(r":\d+/index.html$"))
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.goto(page.url.replace("index.html", f"ko/{LESSON}"))
    launch = page.locator(".lesson a").first.get_attribute("href")
    assert launch.endswith("urlpath=lab/tree/notebooks/ko/02-cluster-info.ipynb")
    page.locator("a[hreflang=en]:visible").first.click()
    expect(page).to_have_url(re.compile(rf":\d+/{LESSON}$"))
    page.goto(page.url.replace(LESSON, "ko/search.html?q=토큰"))
    expect(page.locator("#search-results a").first).to_be_visible()
    # The words of the theme, and of our templates.
    korean = (built / "ko" / LESSON).read_text("utf-8")
    assert 'aria-label="모든 페이지"' in korean and "본문으로 건너뛰기" in korean
    # A page in English alone leads to the Korean front page.
    alone = (built / "docs/teaching.html").read_text("utf-8")
    assert 'href="../ko/index.html">한국어</a>' in alone
    twin = (built / DOC).read_text("utf-8")
    assert f'href="../ko/{DOC}">한국어</a>' in twin


def test_it_can_be_read_without_scripts(open_page):
    """Outputs and prose; a view is its text."""
    page = open_page("notebooks/04-batch-api.html", java_script_enabled=False)
    expect(page.locator("h1")).to_contain_text("04 Explore the batch group")
    expect(page.locator(".cell_output").first).to_be_visible()
    page.goto(page.url.replace("04-batch-api", "02-cluster-info"))
    solution = page.locator("details:has(summary b:has-text('Solution'))").first
    solution.locator("summary").click()
    expect(solution.locator("pre")).to_be_visible()


@pytest.mark.parametrize("name", ["index", "notebooks/errors", "ko/index"])
def test_a_pasted_error_is_explained_on_its_pages(open_page, name):
    page = open_page(f"{name}.html", locale="en")
    page.locator("#explain textarea").fill('error: context "x" does not exist')
    page.locator("#explain button").click()
    more = page.get_by_role("status").get_by_role("link").last
    more.click()
    expect(page).to_have_url(
        re.compile("notebooks/errors.html#message-context-missing$")
    )
    expect(page.locator("#message-context-missing").first).to_be_attached()


def test_an_explanation_has_a_table_and_a_manifest_to_be_copied(open_page):
    page = open_page("notebooks/deeper/16-rights.html")
    expect(page.locator(".cell_output table th").first).to_have_text("who")
    manifest = page.locator(".cell_output .highlight:has(.copybtn) pre").first
    expect(manifest).to_contain_text("kind: RoleBinding")
    assert not re.search("[“”]", page.locator("article").inner_text())


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_code_has_a_ground_and_its_output_has_none(open_page, theme):
    """Nor has an output that is folded, with an exercise."""
    page = open_page(LESSON, color_scheme=theme)
    looks = {
        part: {tuple(look) for look in page.locator(part).evaluate_all(LOOK)}
        for part in (
            ".cell_input .highlight",
            ".cell_output .highlight",
            "details.hide",
            ".bd-article details:not(.hide)",
        )
    }
    ground, *others = looks.values()
    assert ground == {(True, False)}
    assert others == [{(False, False)}] * 3


def test_a_command_is_copied_whole_and_without_what_it_printed(open_page):
    page = open_page(LESSON, permissions=["clipboard-read", "clipboard-write"])
    assert page.locator(".cell_output .copybtn").count() == 0
    cell = page.locator(".cell_input:has-text('curl -sS')").first
    cell.hover()
    cell.locator(".copybtn").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == cell.locator("pre").inner_text().rstrip("\n")
    page.goto(page.url.replace("02-cluster-info", "cheatsheet"))
    row = page.locator("td").filter(has_text=re.compile("^kubectl auth whoami"))
    row.hover()
    row.locator(".copybtn").click()
    assert page.evaluate("navigator.clipboard.readText()") == "kubectl auth whoami"


@pytest.mark.parametrize("language", ["", "ko/"])
def test_no_word_of_a_command_breaks(open_page, language):
    page = open_page(f"{language}notebooks/cheatsheet.html")
    page.set_viewport_size({"width": 1280, "height": 1000})
    assert page.locator("td:first-child code .pre").count() > 100
    assert page.evaluate(BROKEN) == []
    tables = "[...document.querySelectorAll('.pst-scrollable-table-container')]"
    wide = f"{tables}.filter(one => one.scrollWidth > one.clientWidth).length"
    assert page.evaluate(wide) == 0
    # On a phone only an address is longer than a line.
    page.set_viewport_size({"width": 390, "height": 1000})
    assert [word for word in page.evaluate(BROKEN) if word[0] in "-$"] == []


@pytest.mark.parametrize("language", ["", "ko/"])
def test_the_first_page_is_short_light_and_leads_to_the_first_lesson(
    open_page, language
):
    page = open_page("docs/binder.html", color_scheme="light", locale="en")
    answers = []

    def note(answer) -> None:
        # A late response to the page before has no body any more.
        if answer.request.is_navigation_request():
            answers.clear()
        answers.append(answer)

    page.on("response", note)
    page.goto(page.url.replace("docs/binder.html", f"{language}index.html"))
    page.wait_for_load_state("networkidle")
    # Not as they come: the body of one that comes while the page goes is nowhere.
    sizes = [len(gzip.compress(answer.body())) for answer in answers]
    assert len(sizes) > 5 and sum(sizes) < PAGE_MOST
    assert not [answer.url for answer in answers if "tab.css" in answer.url]
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollHeight") < 4500
    name, search = (
        page.locator(part).first.bounding_box()
        for part in (".navbar-brand p", ".search-button__button:visible")
    )
    assert name["x"] + name["width"] + 8 < search["x"]
    assert page.get_by_role("img").first.get_attribute("src").endswith("journey.png")
    page.set_viewport_size({"width": 1280, "height": 800})
    assert page.locator("pre").first.bounding_box()["y"] < 2 * 800
    ways = [one.bounding_box()["y"] for one in page.locator(".lesson a").all()]
    assert len(ways) > 4 and max(ways) - min(ways) < 2
    page.locator(".lesson a").first.click()
    expect(page).to_have_title(re.compile("^00 "))


def test_each_page_says_what_it_is_of_and_where_mistakes_go(built):
    for file in pages(built):
        name = str(file.relative_to(built))
        text = file.read_text("utf-8")
        assert re.search(r"1\.\d+\.\d+, .*20\d\d-\d\d-\d\d", text), name
        if name.endswith(("search.html", "genindex.html")):
            continue
        about = name.removesuffix(".html")
        assert f"some/one/issues/new?title={about}" in text, name
        origin = re.search(r"some/one/edit/main/([^\"]+)", text)[1]
        assert (ROOT / origin).is_file(), name


def test_search_engines_find_each_page_in_each_language(built):
    root = "https://some.github.io/one/"
    listed = (built / "sitemap.txt").read_text().split()
    names = [str(file.relative_to(built)) for file in pages(built)]
    assert listed == [root + one for one in names]
    text = (built / "ko" / LESSON).read_text("utf-8")
    alternate = re.findall('<link rel="alternate" hreflang="(.*)" href="(.*)">', text)
    assert dict(alternate) == {
        "en": root + LESSON,
        "ko": f"{root}ko/{LESSON}",
        "x-default": root + LESSON,
    }
    lost = (built / "404.html").read_text("utf-8")
    links = re.findall('href="([^"]+)"', lost)
    assert all((built / one.removeprefix(root)).is_file() for one in links) and links
    assert all(one.startswith(root) for one in links)


def test_a_picture_can_be_read_on_a_phone(open_page):
    page = open_page(LESSON)
    page.set_viewport_size({"width": 390, "height": 844})
    picture = page.locator("a.picture").first
    # Letters of 13 of its 720 units: 11 px and more.
    assert picture.locator("img").bounding_box()["width"] * 13 / 720 > 11
    source = picture.locator("img").get_attribute("src")
    assert picture.get_attribute("href") == source and source.endswith(".svg")


def test_the_contents_on_a_phone_make_way_for_the_place_that_was_chosen(open_page):
    page = open_page(LESSON)
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator("button.secondary-toggle").click()
    contents = page.locator("dialog#pst-secondary-sidebar-modal")
    contents.locator("a[href^='#']").last.click()
    assert "#" in page.url
    expect(contents).not_to_be_visible()
