"""A lesson's page that runs, in Chromium: with a Worker that answers at once.

test_run_tab.py has the same page with a cluster and Python.
"""

import importlib.util
import json
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tab import build, pack
from tests.browser.conftest import WINDOW
from tests.browser.lessonpage import NAME, cell, make_site, run, state
from tests.browser.webserver import opening, send_script, serving

pytestmark = [
    pytest.mark.full("the site"),
    pytest.mark.skipif(
        importlib.util.find_spec("sphinx") is None,
        reason="Sphinx is not here. Run: sh tools/setup.sh site",
    ),
]
#: the Worker: a cell is shown by its text; `endless` goes on until it is stopped, and
#: `stuck` after that, too
WORKER = """
import { dispatch } from "../worker/dispatcher.js";
let attempts = "";
const outputs = (source) => {
  const given = /^output (.*)/s.exec(source)?.[1];
  return given ? JSON.parse(given)
    : [{ output_type: "stream", name: "stdout", text: `ran ${source}` }];
};
dispatch(self, {
  async start([earlier], report) {
    FAULT
    attempts = earlier;
    report("loading", 35e6, 53e6);
    report("step", "starting the API server");
    report("importing");
  },
  async open([folder]) { attempts += JSON.stringify({ folder }) + "\\n"; },
  async attempts() { return attempts; },
  async keep([text]) { attempts = text; },
  async shell([lines], report) {
    report(`${lines}|the cluster of the lesson\\n`);
    return { code: 0, status: 0 };
  },
  async run([source, tags], report, signal) {
    const leave = () => { throw new Error("the last words"); };
    if (source.includes("leave")) setTimeout(leave);
    if (source.includes("fatal")) throw new Error("memory access out of bounds");
    if (/endless|stuck/.test(source)) await new Promise((resolve) => {
      report({ output_type: "stream", name: "stdout", text: "begun" });
      if (source.includes("endless")) signal.addEventListener("abort", resolve);
    });
    for (const output of outputs(source)) report(output);
    if (tags.includes("check")) attempts += JSON.stringify({ check: source }) + "\\n";
    return !/fails|endless/.test(source);
  },
});
"""
FAULTS = {
    "": "",
    "loading": "report('loading', 3e6, 53e6); throw new Error('no more');",
    "slow": "report('loading', 3e6, 53e6); await new Promise(() => {});",
}


class Server(SimpleHTTPRequestHandler):
    """A web server of a site, with a Worker of these tests instead of its own."""

    fault = ""

    def do_GET(self) -> None:
        if not self.path.endswith("/python/worker.js"):
            return super().do_GET()
        send_script(self, WORKER.replace("FAULT", FAULTS[self.fault]))

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def lesson_address(tmp_path_factory) -> Iterator[str]:
    """Return where lesson 02 is, in each language, with invented outputs."""
    place = tmp_path_factory.mktemp("run")
    program = place / "program"
    program.mkdir()
    for name in (build.PACKED, build.RUNTIME):
        (program / name).write_text("")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "find", lambda: program)
        patch.setattr(pack, "find", lambda: None)
        site = make_site(place, ("en", "ko"))
    with serving(site, Server) as url:
        yield url


@pytest.fixture
def open_lesson(browser, lesson_address) -> Iterator[Callable[..., Page]]:
    """Return a function that opens the lesson in a window that keeps nothing."""
    with opening(browser, lesson_address, errors=True, viewport=WINDOW) as open_one:

        def open_lesson(language: str = "", start: bool = True, **options) -> Page:
            page = open_one(f"{language}notebooks/{NAME}.html", **options)
            if start:
                page.locator("#run-start").click()
                expect(page.locator("body")).to_have_attribute("data-run", "ready")
            return page

        yield open_lesson


def edit(place: Locator, text: str) -> None:
    """Write other code into a cell."""
    button = place.get_by_role("button", name="Edit")
    if button.is_visible():
        button.click()
    place.get_by_role("textbox").fill(text)


def test_before_a_start_the_page_says_what_it_takes(open_lesson):
    page = open_lesson(start=False)
    expect(page.locator("#run-here")).to_contain_text("MB")
    expect(page.locator("#run-start")).to_be_visible()
    expect(page.locator(".run-controls").first).to_be_hidden()
    expect(cell(page, "connect").locator(".cell_output").last).to_have_text("recorded")


def test_no_button_of_a_lesson_is_printed(open_lesson):
    page = open_lesson()
    boxes = page.locator("#run-here:visible, .bd-article button:visible")
    expect(page.locator(".copybtn").first).to_be_visible()
    page.emulate_media(media="print")
    expect(boxes).to_have_count(0)
    expect(cell(page, "connect")).to_be_visible()


def test_it_starts_and_is_cancelled_by_keyboard(open_lesson, monkeypatch):
    monkeypatch.setattr(Server, "fault", "slow")
    page = open_lesson(start=False)
    # It is there as soon as the page can start.
    expect(page.locator("#run-start")).to_be_visible()
    page.locator("#run-start").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#run-state")).to_have_text("Downloading: 3 of 53 MB.")
    expect(page.locator("#run-loaded")).to_contain_text("seconds")
    # A second Enter cancels nothing.
    expect(page.locator("#run-state")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Tab")
    expect(page.locator("#run-cancel")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#run-state")).to_have_text("The start was cancelled.")
    expect(page.locator("#run-loaded")).to_be_hidden()
    expect(page.locator("#run-start")).to_be_focused()


def test_a_start_that_fails_says_why_and_the_outputs_stay(open_lesson, monkeypatch):
    monkeypatch.setattr(Server, "fault", "loading")
    page = open_lesson(start=False)
    page.locator("#run-start").click()
    expect(page.locator("#run-state")).to_contain_text("The browser says: no more.")
    expect(page.locator("#run-start")).to_be_visible()
    expect(cell(page, "connect").locator(".cell_output").last).to_have_text("recorded")


def test_a_cell_runs_and_its_recorded_output_goes(open_lesson):
    page = open_lesson()
    connect = cell(page, "connect")
    expect(state(connect)).to_contain_text("recorded")
    run(connect)
    expect(connect.locator(".live")).to_contain_text("ran from helpers import connect")
    expect(connect.get_by_text("recorded", exact=True)).to_be_hidden()
    expect(state(connect)).to_contain_text("Ran in")
    expect(cell(page, "server").locator(".cell_output").last).to_have_text("recorded")
    assert Axe().run(page).response["violations"] == []


def test_an_edited_cell_runs_as_edited_until_the_original_is_back(open_lesson):
    page = open_lesson()
    server = cell(page, "server")
    edit(server, "mine")
    run(server)
    expect(server.locator(".live")).to_have_text("ran mine")
    server.get_by_role("button", name="Original code").click()
    run(server)
    expect(server.locator(".live")).to_contain_text("ran server = cluster.server")
    expect(server.get_by_role("textbox")).to_have_count(0)


def test_the_editor_is_used_by_keyboard(open_lesson):
    page = open_lesson()
    server = cell(page, "server")
    edit(server, "")
    page.keyboard.type("if a:\nb")
    expect(server.get_by_role("textbox")).to_have_value("if a:\n    b")
    page.keyboard.press("Control+Enter")
    expect(server.locator(".live")).to_have_text("ran if a:\n    b")
    expect(server.get_by_role("textbox")).to_be_focused()
    page.keyboard.press("Shift+Enter")
    button = cell(page, "curl-refuses").get_by_role("button", name="Run", exact=True)
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(cell(page, "curl-refuses").locator(".live")).to_contain_text("ran %%sh")


def test_a_cell_that_was_clicked_runs_by_keyboard_as_in_jupyterlab(open_lesson):
    page = open_lesson()
    cell(page, "connect").locator(".cell_input").click()
    page.keyboard.press("Shift+Enter")
    expect(cell(page, "connect").locator(".live")).to_contain_text("ran ")
    button = cell(page, "cluster-info").get_by_role("button", name="Run", exact=True)
    expect(button).to_be_focused()


def test_all_above_run_until_one_fails(open_lesson):
    page = open_lesson()
    run(cell(page, "certificate"), "Run all above")
    for name in ("connect", "cluster-info", "server", "curl-refuses"):
        expect(cell(page, name).locator(".live")).to_contain_text("ran ")
    expect(cell(page, "certificate").locator(".live")).to_be_hidden()
    edit(cell(page, "cluster-info"), "fails")
    run(cell(page, "certificate"), "Run all above")
    expect(state(cell(page, "cluster-info"))).to_contain_text("Ended with an error")
    expect(cell(page, "connect").locator(".live")).to_contain_text("ran ")


def test_the_end_of_python_is_told_with_the_way_on(open_lesson):
    page = open_lesson()
    edit(cell(page, "cluster-info"), "fatal")
    cell(page, "certificate").get_by_role("button", name="Run all above").click()
    expect(page.locator("#run-state")).to_contain_text("memory access out of bounds")
    expect(page.locator("#run-state")).to_contain_text("Start it again; your code")
    expect(state(cell(page, "cluster-info"))).to_contain_text("It could not run")
    page.locator("#run-start").click()
    expect(page.locator("body")).to_have_attribute("data-run", "ready")
    run(cell(page, "connect"))
    expect(cell(page, "connect").locator(".live")).to_contain_text("ran ")


def test_a_cell_is_stopped_and_the_others_do_not_run(open_lesson):
    page = open_lesson()
    edit(cell(page, "cluster-info"), "endless")
    cell(page, "certificate").get_by_role("button", name="Run all above").click()
    place = cell(page, "cluster-info")
    expect(place.locator(".live")).to_have_text("begun")
    expect(state(cell(page, "server"))).to_have_text(
        "Waits until the cell that runs has ended."
    )
    place.get_by_role("button", name="Stop").click()
    expect(state(place)).to_contain_text("Ended with an error")
    expect(state(cell(page, "server"))).to_contain_text("Not run: a cell before it")
    expect(place.get_by_role("button", name="Run", exact=True)).to_be_focused()


def test_a_cell_that_does_not_stop_is_ended_with_the_cluster(open_lesson):
    page = open_lesson()
    page.clock.install()
    place = cell(page, "server")
    edit(place, "stuck")
    place.get_by_role("button", name="Run", exact=True).click()
    place.get_by_role("button", name="Stop").click()
    expect(state(place)).to_have_text("Running.")
    page.clock.fast_forward(15_000)
    expect(state(place)).to_contain_text("It has not stopped for 15 seconds.")
    page.once("dialog", lambda question: question.accept())
    place.get_by_role("button", name="Start a new cluster").click()
    expect(page.locator("#run-state")).to_contain_text("The cluster is new")
    expect(place.get_by_role("textbox")).to_have_value("stuck")
    expect(place.get_by_role("button", name="Stop")).to_be_hidden()
    expect(place.get_by_text("recorded", exact=True)).to_be_visible()


def test_a_cluster_that_ends_says_its_last_words(open_lesson):
    page = open_lesson()
    edit(cell(page, "server"), "leave")
    cell(page, "server").get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#run-state")).to_contain_text("the last words")
    expect(page.locator("#run-start")).to_be_visible()
    expect(page.locator(".run-controls").first).to_be_hidden()


def test_texts_and_attempts_are_kept_and_forgotten(open_lesson):
    page = open_lesson()
    edit(cell(page, "server"), "mine")
    run(cell(page, "curl-check"))
    page.reload()
    expect(page.locator("#run-state")).to_contain_text("an earlier visit")
    page.locator("#run-start").click()
    expect(page.locator("#run-state")).to_contain_text("The cluster is new")
    expect(cell(page, "server").get_by_role("textbox")).to_have_value("mine")
    page.locator("#run-yours > summary").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save them").click()
    kept = json.loads(download.value.path().read_text())
    assert kept["cells"] == {f"en/notebooks/{NAME}": {"server": "mine"}}
    assert kept["attempts"][0] == {"folder": "/root/notebooks"}
    assert "predict_curl" in kept["attempts"][1]["check"]
    done = page.locator("#run-done")
    expect(done).to_have_text("Saved as answers.json.")
    # Playwright answers a question with no.
    page.get_by_role("button", name="Forget").click()
    expect(cell(page, "server").get_by_role("textbox")).to_have_value("mine")
    page.once("dialog", lambda question: question.accept())
    page.get_by_role("button", name="Forget").click()
    expect(done).to_have_text("Forgotten.")
    expect(cell(page, "server").get_by_role("textbox")).to_have_count(0)
    assert (
        page.evaluate("localStorage.getItem('kubernetes-api-notebooks/cells')") is None
    )
    # Nor does the Worker bring the earlier ones back.
    run(cell(page, "curl-check"))
    attempts = page.evaluate(
        "localStorage.getItem('kubernetes-api-notebooks/attempts')"
    )
    assert attempts.count("predict_curl") == 1
    edit(cell(page, "server"), "other")
    for name, text, told in (
        ("other.json", "[1]", "Nothing was loaded: this file is not one"),
        ("answers.json", json.dumps(kept), "Loaded."),
    ):
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Load such").click()
        file = {"name": name, "mimeType": "application/json", "buffer": text.encode()}
        chooser.value.set_files(file)
        expect(done).to_contain_text(told)
    expect(cell(page, "server").get_by_role("textbox")).to_have_value("mine")
    page.reload()
    page.locator("#run-start").click()
    expect(cell(page, "server").get_by_role("textbox")).to_have_value("mine")


HOSTILE = (
    "<table><tr><td onclick='x()' style='color: red' id='run-state'>one</td></tr>"
    "</table><script>document.title = 'ran'</script>"
    "<img src=x onerror=\"document.title = 'ran'\">"
    "<iframe src='https://example.com'></iframe><form action='/x'>two</form>"
    "<a href='javascript:x()'>three</a><a href='05-a.ipynb#b'>four</a>"
    "<p style='background: url(x)'>five</p><style>body { display: none }</style>"
    "<svg><a xlink:href='javascript:x()'><text>six</text></a></svg>"
)


def test_html_is_shown_without_what_could_act(open_lesson):
    page = open_lesson()
    title, server = page.title(), cell(page, "server")
    outputs = [
        {"output_type": "display_data", "data": {"text/html": HOSTILE}},
        {"output_type": "display_data", "data": {"text/plain": "<b>as text</b>"}},
        {"output_type": "stream", "name": "stderr", "text": "<i>too</i>"},
    ]
    edit(server, f"output {json.dumps(outputs)}")
    run(server)
    shown = server.locator(".live .text_html")
    expect(shown).to_have_js_property(
        "innerHTML",
        '<table><tbody><tr><td style="color: red;">one</td></tr></tbody></table>two'
        '<a>three</a><a href="05-a.html#b">four</a><p>five</p>',
    )
    expect(server.locator(".live pre")).to_have_text(["<b>as text</b>", "<i>too</i>"])
    assert page.title() == title


def test_html_covers_nothing_but_its_output(open_lesson):
    server = cell(open_lesson(), "server")
    html = "<div style='position: fixed; inset: 0; background: red'>all</div>"
    outputs = [{"output_type": "display_data", "data": {"text/html": html}}]
    edit(server, f"output {json.dumps(outputs)}")
    run(server)
    expect(server.locator(".live .text_html")).to_have_text("all")
    server.get_by_role("button", name="Run", exact=True).click(trial=True)


PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA"
    "AABJRU5ErkJggg=="
)


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        ({"text/html": f"<img src='data:image/png;base64,{PNG}' alt='one'>"}, ""),
        ({"image/png": PNG, "text/plain": "one"}, ""),
        (
            {"text/html": "<img src='https://example.com/a.png'>"},
            "https://example.com/a.png (This page loads no picture from another host; "
            "the link leads to it.)",
        ),
        (
            {"text/html": "<video src='x.mp4'>Not supported.</video>"},
            "This page cannot show this output; JupyterLab can.",
        ),
        (
            {"text/plain": "<a.Script object>", "application/javascript": "1"},
            "This page cannot show this output; JupyterLab can.",
        ),
    ],
    ids=["picture", "png", "picture elsewhere", "video", "script"],
)
def test_each_output_is_shown_or_has_a_sentence(open_lesson, data, shown):
    server = cell(open_lesson(), "server")
    outputs = [{"output_type": "display_data", "data": data}]
    edit(server, f"output {json.dumps(outputs)}")
    run(server)
    expect(server.locator(".live .output")).to_have_text(shown)
    if not shown:
        expect(server.get_by_role("img", name="one")).to_have_js_property(
            "naturalWidth", 1
        )


@pytest.mark.parametrize(
    ("options", "script", "told"),
    [
        ({"viewport": {"width": 390, "height": 800}}, "", "wider than a phone's"),
        ({}, "delete WebAssembly.Suspending;", "JavaScript Promise Integration"),
        (
            {},
            "Object.defineProperty(navigator, 'deviceMemory', {value: 4});",
            "less than 8 GB",
        ),
    ],
    ids=["phone", "no promises", "memory"],
)
def test_where_a_lesson_cannot_run_one_sentence_says_why(
    open_lesson, options, script, told
):
    page = open_lesson(start=False, **options)
    page.add_init_script(script)
    page.reload()
    expect(page.locator("#run-state")).to_contain_text(told)
    expect(page.locator("#run-start")).to_be_hidden()
    expect(cell(page, "connect").locator(".cell_output").last).to_have_text("recorded")


def test_a_korean_lesson_speaks_korean(open_lesson):
    page = open_lesson("ko/")
    run(cell(page, "curl-check"), "실행")
    attempts = page.evaluate(
        "localStorage.getItem('kubernetes-api-notebooks/attempts')"
    )
    assert '"/root/notebooks/ko"' in attempts
    assert Axe().run(page).response["violations"] == []
