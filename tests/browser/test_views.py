"""The views of widgets on a lesson's page, in Chromium, with a Worker that stands in.

It has buttons, an output and the live HTML of the helpers, as Python's ipywidgets
describes them. test_run_tab.py has Python itself.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tab import build, pack
from tests.browser.axe import OPTIONS
from tests.browser.conftest import WINDOW
from tests.browser.lessonpage import CODE, NAME, cell, make_site, run, state
from tests.browser.test_run import edit
from tests.browser.webserver import opening, send_script, serving
from website import bundle

pytestmark = [
    pytest.mark.full("the site"),
    pytest.mark.skipif(not shutil.which("npm"), reason="npm is not here"),
]
#: what `listen` reports, and each message of a view is printed in its cell
WORKER = """
import { dispatch } from "../worker/dispatcher.js";
let report = () => {}, ended = () => {};
const output = (id, text) => ({
  output_type: "display_data", data: {
    "text/plain": text, "application/vnd.jupyter.widget-view+json": { model_id: id },
  },
});
dispatch(self, {
  async start() {},
  async open() { ended(); },
  async attempts() { return ""; },
  async listen(_, send) {
    report = send;
    send(OPENED);
    send();
    await new Promise((resolve) => { ended = resolve; });
  },
  async tell([{ comm_id, data }], send, signal) {
    const text = `${comm_id}: ${JSON.stringify(data.state ?? data.content)}`;
    send({ output_type: "stream", name: "stdout", text });
    if (comm_id === "endless") await new Promise((resolve) => {
      signal.addEventListener("abort", resolve);
    });
  },
  async run([source], send) {
    const [word, ...values] = source.split(" ");
    if (word === "message") report([JSON.parse(values.join(" "))]);
    else for (const id of values) send(output(id, `the text of ${id}`));
    return true;
  },
});
"""


def opened(name: str, module: str, kind: str, **state) -> dict:
    """Return the message that opens the comm of a widget."""
    fields = {
        "_model_module": module,
        "_view_module": module,
        "_model_name": f"{kind}Model",
        "_view_name": f"{kind}View",
    }
    return {
        "type": "comm_open",
        "comm_id": name,
        "data": {"state": fields | state, "buffer_paths": []},
        "metadata": {"version": "2.1.0"},
        "buffers": [],
    }


def message(name: str, **state) -> str:
    """Return the code of a cell in which Python changes a widget, or closes it."""
    kind, method = ("comm_msg", "update") if state else ("comm_close", "")
    data = {"method": method, "state": state, "buffer_paths": []}
    fields = {"type": kind, "comm_id": name, "data": data, "metadata": {}}
    return f"message {json.dumps(fields | {'buffers': []})}"


CONTROLS, OUTPUT = "@jupyter-widgets/controls", "@jupyter-widgets/output"
STATUS = '<p role="status" aria-live="polite">{}</p>'
LIVE = {"_anywidget_id": "helpers.views.widgets.live.Live", "_esm": "throw 1"}
ROW = {"children": ["IPY_MODEL_go", "IPY_MODEL_live"]}
WIDGETS = [
    # A box comes before its children: all are known when it is made.
    opened("row", CONTROLS, "HBox", **ROW),
    opened("go", CONTROLS, "Button", description="Go"),
    opened("endless", CONTROLS, "Button", description="Begin"),
    opened("live", "anywidget", "Any", **LIVE, value=STATUS.format("one")),
    opened("text", CONTROLS, "Text", description="Path:", value="/api"),
    opened("slider", CONTROLS, "IntSlider", description="Pods", value=2, max=9),
    opened("nameless", CONTROLS, "FloatRangeSlider", value=[1, 2], max=9),
    opened("area", OUTPUT, "Output", outputs=[]),
    opened("chart", "bqplot", "Figure"),
    opened("other", "anywidget", "Any", _anywidget_id="chart.Chart", _esm="throw 1"),
    opened("both", CONTROLS, "VBox", children=["IPY_MODEL_go", "IPY_MODEL_chart"]),
    opened(
        "picture",
        CONTROLS,
        "Image",
        format="png",
        value=None,
    )
    | {"buffers": ["iVBORw0KGgo="]},
]
WIDGETS[-1]["data"]["buffer_paths"] = [["value"]]


class Server(SimpleHTTPRequestHandler):
    """A web server of a site, with a Worker of these tests instead of its own."""

    is_whole = True

    def do_GET(self) -> None:
        if self.path.endswith("/python/worker.js"):
            send_script(self, WORKER.replace("OPENED", json.dumps(WIDGETS)))
        elif "/views/" in self.path and not self.is_whole:
            self.send_error(404)
        else:
            super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def lesson_address(tmp_path_factory) -> Iterator[str]:
    """Return where lesson 02 is, in each language, with invented outputs."""
    pytest.importorskip("sphinx", reason="Run: sh tools/setup.sh site")
    place = tmp_path_factory.mktemp("views")
    program = place / "program"
    program.mkdir()
    for name in (build.PACKED, build.RUNTIME):
        (program / name).write_text("")
    bundle.ensure()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "find", lambda: program)
        patch.setattr(pack, "find", lambda: None)
        site = make_site(place, ("en",))
    with serving(site, Server) as url:
        yield url


@pytest.fixture
def open_lesson(browser, lesson_address) -> Iterator[Callable[..., Page]]:
    """Return a function that opens the lesson, and starts it."""
    with opening(browser, lesson_address, viewport=WINDOW, errors=True) as open_one:

        def open_lesson(**options) -> Page:
            page = open_one(f"notebooks/{NAME}.html", **options)
            page.locator("#run-start").click()
            expect(page.locator("body")).to_have_attribute("data-run", "ready")
            return page

        yield open_lesson


def show(page: Page, *names: str, place: str = "server"):
    """Show widgets in a cell; return its live outputs."""
    where = cell(page, place)
    edit(where, f"show {' '.join(names)}")
    run(where)
    return where.locator(".live")


def change(page: Page, text: str) -> None:
    """Run another cell, with a message of Python's."""
    where = cell(page, "connect")
    edit(where, text)
    run(where)


def test_a_page_loads_the_views_with_the_first_one(open_lesson):
    page = open_lesson()
    script = "() => performance.getEntriesByType('resource').map(({ name }) => name)"
    edit(cell(page, "connect"), "show")
    run(cell(page, "connect"))
    assert not [name for name in page.evaluate(script) if "view" in name]
    expect(show(page, "row").get_by_role("button", name="Go")).to_be_visible()
    loaded = [name for name in page.evaluate(script) if "view" in name]
    assert len(loaded) == 3


def test_a_click_reaches_python_and_a_value_reaches_the_page(open_lesson):
    page = open_lesson()
    live = show(page, "row")
    button, status = live.get_by_role("button"), live.get_by_role("status")
    expect(status).to_have_text("one")
    status.evaluate("element => { globalThis.kept = element; }")
    button.click()
    expect(live.locator(".stream")).to_have_text('go: {"event":"click"}')
    # The output of a click leaves the view, and the focus, where they are.
    expect(button).to_be_focused()
    change(page, message("live", value=STATUS.format("two")))
    expect(status).to_have_text("two")
    assert page.evaluate("globalThis.kept.isConnected")


def test_a_text_is_typed_and_labelled(open_lesson):
    page = open_lesson()
    live = show(page, "text")
    box = live.get_by_role("textbox", name="Path:")
    expect(box).to_have_value("/api")
    box.fill("/apis")
    box.press("Enter")
    expect(live.locator(".stream").last).to_contain_text('text: {"value":"/apis"}')
    change(page, message("text", value="/version"))
    expect(box).to_have_value("/version")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        expect(page.locator("html")).to_have_attribute("data-theme", scheme)
        # Colours that change on their way have another contrast.
        page.evaluate("Promise.all(document.getAnimations().map(one => one.finished))")
        found = Axe().run(page, options=OPTIONS).response["violations"]
        marks = [node["html"] for violation in found for node in violation["nodes"]]
        assert marks == []


def test_the_handles_of_a_slider_have_a_name(open_lesson):
    page = open_lesson()
    live = show(page, "slider", "nameless")
    handle = live.get_by_role("slider", name="Pods")
    handle.press("ArrowRight")
    expect(live.locator(".stream").last).to_contain_text('slider: {"value":3}')
    expect(live.get_by_role("slider", name="FloatRangeSlider")).to_have_count(2)
    change(page, message("slider", description="Nodes", orientation="vertical"))
    expect(live.get_by_role("slider", name="Nodes")).to_be_visible()
    assert Axe().run(page, options=OPTIONS).response["violations"] == []


def test_an_output_widget_shows_outputs_and_views(open_lesson):
    page = open_lesson()
    live = show(page, "area")
    printed = {"output_type": "stream", "name": "stdout", "text": "printed"}
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "go"}}
    shown = {"output_type": "display_data", "data": view}
    change(page, message("area", outputs=[printed, shown]))
    expect(live.locator(".stream")).to_have_text("printed")
    expect(live.get_by_role("button", name="Go")).to_be_visible()
    change(page, message("area", outputs=[]))
    expect(live.locator(".view .view")).to_have_count(0)


@pytest.mark.parametrize("name", ["chart", "other", "nobody"])
def test_what_no_page_can_show_has_a_sentence_and_its_text(open_lesson, name):
    page = open_lesson()
    live = show(page, name)
    expect(live).to_contain_text("This page has no view of this widget")
    expect(live).to_contain_text(f"the text of {name}")


def test_a_box_with_such_a_widget_shows_the_others(open_lesson):
    live = show(open_lesson(), "both")
    expect(live.get_by_role("button", name="Go")).to_be_visible()
    expect(live).to_contain_text("This page has no view of this widget")


def test_without_the_file_there_is_the_text_and_the_next_run_tries_again(
    open_lesson, monkeypatch
):
    page = open_lesson()
    monkeypatch.setattr(Server, "is_whole", False)
    live = show(page, "row")
    expect(live).to_contain_text("The view could not be loaded")
    expect(live).to_contain_text("the text of row")
    monkeypatch.setattr(Server, "is_whole", True)
    expect(show(page, "row").get_by_role("button", name="Go")).to_be_visible()


def test_a_picture_is_no_blob(open_lesson):
    live = show(open_lesson(), "picture")
    source = re.compile("^data:image/png;base64,iVBORw0KGgo=$")
    expect(live.locator("img")).to_have_attribute("src", source)


def test_what_a_view_has_begun_can_be_stopped(open_lesson):
    page = open_lesson()
    live = show(page, "endless")
    live.get_by_role("button", name="Begin").click()
    place = cell(page, "server")
    expect(state(place)).to_have_text("A view of this cell is busy.")
    place.get_by_role("button", name="Stop").click()
    expect(state(place)).to_have_text("")
    expect(place.get_by_role("button", name="Stop")).to_be_hidden()


def test_views_end_with_their_cell_their_widget_and_their_cluster(open_lesson):
    page = open_lesson()
    live = show(page, "row", "text")
    change(page, message("text"))
    expect(live.get_by_role("textbox")).to_have_count(0)
    expect(live.get_by_role("button", name="Go")).to_be_visible()
    # A cell that runs again has only its new view.
    live = show(page, "row")
    expect(live.get_by_role("button", name="Go")).to_have_count(1)
    page.on("dialog", lambda dialog: dialog.accept())
    page.locator("#run-yours > summary").click()
    page.locator("#run-restart").click()
    expect(page.locator("body")).to_have_attribute("data-run", "ready")
    expect(page.locator(".lm-Widget")).to_have_count(0)
    expect(show(page, "text").get_by_role("textbox")).to_have_value("/api")


def test_a_page_that_is_left_and_shown_again_keeps_its_views(open_lesson):
    page = open_lesson()
    live = show(page, "row")
    page.get_by_role("link", name="Glossary").first.click()
    expect(page).to_have_title(re.compile("Glossary"))
    page.go_back()
    live.get_by_role("button", name="Go").click()
    expect(live.locator(".stream")).to_have_text('go: {"event":"click"}')


def test_the_page_does_not_move_when_a_view_takes_the_place_of_its_text(open_lesson):
    page = open_lesson()
    place = cell(page, "server")
    edit(place, "show row")
    script = """next => {
      const tops = globalThis.tops = [];
      const note = () => { tops.push(next.getBoundingClientRect().top + scrollY);
        requestAnimationFrame(note); };
      note();
    }"""
    recorded = place.locator(".cell_output").last
    recorded.evaluate("element => { element.style.height = '20px'; }")
    cell(page, CODE[CODE.index("server") + 1]).evaluate(script)
    run(place)
    expect(place.locator(".live").get_by_role("button", name="Go")).to_be_visible()
    tops = page.evaluate("globalThis.tops")
    # It moves once, by the difference of both heights, and not up and down.
    assert min(tops) >= min(tops[0], tops[-1])
