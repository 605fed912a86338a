"""*Try it* in Chromium, with a Worker that answers at once: what the page itself does.

test_tab.py has the same page with the genuine server.
"""

import importlib.util
import json
import re
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tab import build
from tests.browser.axe import OPTIONS
from tests.browser.conftest import WINDOW
from tests.browser.webserver import opening, send_script, serving
from website import build as site, tryit

pytestmark = [
    pytest.mark.full("the site"),
    pytest.mark.skipif(
        importlib.util.find_spec("sphinx") is None,
        reason="Sphinx is not here. Run: sh tools/setup.sh site",
    ),
]
HOME = "# Home\n\n```{toctree}\ntry\nnotebooks/glossary\n```\n"
#: what each recorded block is said to be answered
STATUS = 403
#: the Worker: `watch` goes on until it is cancelled, all else is repeated
WORKER = """
import { dispatch, unlessCancelled } from "./worker/dispatcher.js";
const program = new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
dispatch(self, {
  async start([given], report) {
    FAULT
    if (typeof given === "string") report("loading", 35e6, 35e6);
    report("step", "making keys");
    report("step", "starting the API server");
    STARTED
    return program;
  },
  async node(_, report) {
    report("step", "starting the kubelet");
    NODE
    report("step", "");
  },
  shell: ([lines, input], report, signal) => unlessCancelled(
    signal, { code: 130, status: 0 }, async () => {
      if (lines.includes("watch")) await new Promise(() => report("begun\\n"));
      if (lines.startsWith("repeat ")) report(input);
      report(`${lines}|${input}\\n`);
      return { code: 0, status: 403 };
    },
  ),
});
"""
FAULTS = {
    "": "",
    "STARTED": "throw new Error('it has not ended after 600 s');",
    "NODE": "throw new Error('it has not ended after 600 s');",
    "loading": "report('loading', 3e6, 35e6); throw new Error('no more');",
    "program": "setTimeout(() => { throw new Error('F1201 the last words'); });"
    " await new Promise(() => {});",
    "later": "setTimeout(() => { throw new Error('the last words'); }, 500);",
    "slow": "report('loading', 1e6, 35e6); await new Promise(() => {});",
}


class Server(SimpleHTTPRequestHandler):
    """A web server of a site, with a Worker of these tests instead of its own."""

    fault = ""

    def do_GET(self) -> None:
        if not self.path.endswith("/worker.js"):
            return super().do_GET()
        if self.fault == "offline":
            return self.send_error(503)
        text = WORKER
        for place in ("STARTED", "NODE", "FAULT"):
            is_there = place == (self.fault if self.fault.isupper() else "FAULT")
            text = text.replace(place, FAULTS[self.fault] if is_there else "")
        send_script(self, text)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def trial_address(tmp_path_factory) -> Iterator[str]:
    """Return where *Try it* is, in each language; its answers are invented."""
    place = tmp_path_factory.mktemp("try")
    program = place / "program"
    program.mkdir()
    for name in (build.PACKED, build.RUNTIME):
        (program / name).write_text("")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "find", lambda: program)
        patch.setattr(site, "REPOSITORY", "")
        for language in ("en", "ko"):
            source = place / "sources" / language
            (source / "notebooks").mkdir(parents=True)
            text = tryit.page(site.site_texts(language))
            answers = [("a recorded answer", STATUS)] * 200
            text = tryit.insert_answers(text, answers)
            (source / "index.md").write_text(HOME)
            (source / "notebooks" / "glossary.md").write_text("# Glossary\n")
            (source / "try.md").write_text(text)
            target = place / "site" / site.language_dir(language)
            site.build(language, source, target)
        tryit.copy(place / "site")
    site.finish(place / "site")
    with serving(place / "site", Server) as url:
        yield url


@pytest.fixture
def open_page(browser, trial_address, monkeypatch) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a page; a fault may show in the console."""
    with opening(browser, trial_address, errors=True, viewport=WINDOW) as open_one:

        def open_with(
            path: str = "try.html", fault: str = "", script: str = "", **options
        ) -> Page:
            monkeypatch.setattr(Server, "fault", fault)
            opened = open_one("about:blank", **options)
            opened.add_init_script(script)
            opened.add_init_script("""globalThis.violations = [];
                addEventListener("securitypolicyviolation", (event) =>
                    violations.push(`${event.effectiveDirective} ${event.blockedURI}`));
            """)
            opened.goto(f"{trial_address}/{path}")
            return opened

        yield open_with


@pytest.fixture
def ready(open_page) -> Page:
    """Return the page with a server that is ready."""
    opened = open_page()
    start(opened)
    return opened


def start(opened: Page) -> None:
    opened.locator("#tab-start").click()
    expect(opened.locator("body")).to_have_attribute("data-tab", "ready")


def state(opened: Page):
    return opened.locator("#tab-state")


def log(opened: Page):
    return opened.get_by_role("log")


def test_the_focus_goes_to_what_is_ready_and_on_to_the_line(open_page):
    """By keyboard alone; the button that had the focus is hidden then."""
    opened = open_page()
    # It is there as soon as the page can start a server; before, it takes no focus.
    expect(opened.locator("#tab-start")).to_be_visible()
    opened.locator("#tab-start").focus()
    opened.keyboard.press("Enter")
    expect(state(opened)).to_contain_text("is ready after")
    expect(state(opened)).to_be_focused()
    opened.keyboard.press("Tab")
    expect(opened.locator("#tab-line")).to_be_focused()
    expect(opened.locator("#tab-line")).to_be_in_viewport()


def test_until_a_server_runs_the_shell_has_recorded_answers(open_page):
    opened = open_page()
    line = opened.locator("#tab-line")
    answer = "a recorded answerRecorded when this site was"
    expect(log(opened)).to_contain_text(f"$ kubectl auth whoami\n{answer}")
    line.fill("kubectl get  pods \\\n --all-namespaces")
    line.press("Enter")
    expect(log(opened)).to_contain_text(f"--all-namespaces\n{answer}")
    line.fill("kubectl get secrets")
    line.press("Enter")
    expect(log(opened)).to_contain_text("This command has no recorded answer")
    assert Axe().run(opened, options=OPTIONS).response["violations"] == []


@pytest.mark.parametrize("path", ["try.html", "ko/try.html"])
def test_the_shell_is_seen_whole_on_a_small_screen(open_page, path):
    opened = open_page(path, viewport={"width": 1280, "height": 800})
    for phase in ("able", "ready"):
        expect(opened.locator("body")).to_have_attribute("data-tab", phase)
        shown = ["#tab-output", "#tab-line", "#tab-own .buttons"]
        shown += ["#tab-start"] if phase == "able" else ["#tab-state", "#tab-restart"]
        for place in shown:
            expect(opened.locator(place)).to_be_in_viewport(ratio=1)
        assert opened.evaluate("scrollY") == 0
        if phase == "able":
            start(opened)


def test_a_manifest_of_another_host_becomes_a_file(ready):
    line, file = ready.locator("#tab-line"), ready.locator("#tab-manifest")
    line.fill("kubectl apply -n a -f https://k8s.io/examples/pods/x.yaml")
    line.press("Enter")
    expect(log(ready)).to_contain_text("Nothing was run")
    expect(log(ready)).to_contain_text("save it as x.yaml, and use that name.")
    expect(log(ready).get_by_role("link")).to_have_text(re.compile("/x.yaml$"))
    expect(ready.get_by_label("Name")).to_have_value("x.yaml")
    file.fill("kind: Pod")
    ready.get_by_role("button", name="Save").click()
    expect(log(ready)).to_contain_text("$ cat > x.yaml\ncat > x.yaml|kind: Pod\n")
    ready.get_by_role("button", name="Open").click()
    expect(file).to_have_value("cat x.yaml|\n")


def test_enter_runs_lines_that_were_pasted(ready):
    line = ready.locator("#tab-line")
    line.fill("kubectl create namespace drill\nkubectl get \\\n  pods")
    assert line.evaluate("line => line.rows") == 3
    ready.get_by_label("Caller").select_option("nobody")
    line.press("Enter")
    lines = (
        "kubectl --context nobody create namespace drill",
        "kubectl --context nobody get pods",
    )
    prompted = "$ {}\n> {}\n".format(*lines)
    expect(log(ready)).to_have_text(prompted + "{}\n{}|\n".format(*lines))
    # In the first and the last line alone, the keys go through history.
    line.fill("one\ntwo")
    line.press("ArrowUp")
    assert line.input_value() == "one\ntwo"
    line.press("Shift+Enter")
    assert line.input_value().count("\n") == 2
    line.press("Control+Home")
    line.press("ArrowUp")
    assert line.input_value().startswith("kubectl create namespace drill")


@pytest.mark.parametrize("way", ["button", "Control+c"])
def test_a_command_that_does_not_end_is_stopped(ready, way):
    line, stop = ready.locator("#tab-line"), ready.locator("#tab-stop")
    expect(stop).to_be_hidden()
    line.fill("kubectl get pods --watch")
    line.press("Enter")
    expect(log(ready)).to_contain_text("begun")
    if way == "button":
        stop.click()
    else:
        line.press("End")
        line.press(way)
    expect(log(ready)).to_contain_text("Stopped.")
    expect(stop).to_be_hidden()
    line.fill("kubectl version")
    line.press("Enter")
    expect(log(ready)).to_contain_text("kubectl version|")


def test_a_block_is_stopped_too(ready):
    block = ready.locator(".ask", has_text="watch=1").first
    controls = block.locator("xpath=following-sibling::p[1]")
    label = block.locator("xpath=following-sibling::p[2]")
    controls.get_by_role("button", name="Run").click()
    expect(label).to_have_text("Waiting for the server.")
    controls.get_by_role("button", name="Stop").click()
    answer = block.locator("xpath=following-sibling::pre[1]")
    expect(answer).to_have_text("begun\nStopped.\n")
    expect(label).to_have_text("Answered by the server in your tab.")


def test_a_reset_needs_no_download(ready):
    """The next server gets the program that the one before has compiled."""
    requests: list[str] = []
    ready.on("request", lambda request: requests.append(request.url))
    line = ready.locator("#tab-line")
    line.fill("kubectl get pods --watch")
    line.press("Enter")
    expect(log(ready)).to_contain_text("begun")
    ready.once("dialog", lambda question: question.accept())
    ready.get_by_role("button", name="Start a new server").click()
    expect(state(ready)).to_contain_text("is ready after")
    expect(log(ready)).to_be_empty()
    expect(ready.locator("#tab-stop")).to_be_hidden()
    line.press("Enter")
    expect(log(ready)).to_contain_text("begun")
    assert not [url for url in requests if url.endswith(".gz")]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("loading", r"did not start. .* Downloading: 3 of 35 MB. .* says: no more"),
        ("program", "did not start. .* says: .*F1201 the last words"),
        ("STARTED", r"did not start. .* Starting kube-apiserver. .* after 600 s\."),
        ("offline", "did not start. .* Downloading: .* says: worker.js"),
        ("later", "has ended: .*the last words"),
    ],
)
def test_a_server_that_ends_says_why(open_page, fault, told):
    """Before it is ready it has not started, and later it has ended."""
    opened = open_page(fault=fault)
    opened.locator("#tab-start").click()
    whole = f"^The API server {told}.* Start it again; the recorded answers remain.$"
    expect(state(opened)).to_have_text(re.compile(whole))
    expect(opened.locator("#tab-start")).to_be_visible()


@pytest.mark.parametrize(
    ("path", "fault", "told"),
    [
        ("try.html", "", r"The node is Ready after \d+ seconds, and runs pods\."),
        ("ko/try.html", "", r"노드가 \d+초 만에 Ready 상태가 되어"),
        (
            "try.html",
            "NODE",
            r"No pod can run. .* Starting the kubelet. .* after 600 s",
        ),
    ],
)
def test_the_page_says_when_pods_can_run(open_page, path, fault, told):
    opened = open_page(path, fault=fault)
    opened.evaluate("""() => {
        globalThis.sentences = [];
        for (const name of ["state", "node"]) {
            const place = document.getElementById(`tab-${name}`);
            const note = () => sentences.push(place.textContent);
            new MutationObserver(note).observe(place, { childList: true });
        }
    }""")
    start(opened)
    expect(opened.locator("#tab-node")).to_have_text(re.compile(told))
    expect(opened.locator("#tab-own")).to_be_visible()
    sentences = opened.evaluate("sentences")
    assert len(sentences) == len(set(sentences)) >= 6
    opened.once("dialog", lambda question: question.accept())
    opened.locator("#tab-restart").click()
    expect(opened.locator("#tab-node")).to_have_text(re.compile(told))


HOSTILE = {
    "an element": "<img src=x onerror='globalThis.ran = true'>",
    "a script": "</pre><script>globalThis.ran = true</script><pre>",
    "a style": "<style>* { display: none }</style>",
    "a frame": "<iframe srcdoc='<script>parent.ran = true</script>'></iframe>",
    "a scheme": "javascript:globalThis.ran=true",
    "escapes of a terminal": "\x1b[2J\x1b]0;title\x07\x1b[31mred\x1b[0m",
    "a long line": "x" * 200_000,
    "NUL and other controls": "a\x00b\x08\x7f\x85c",
    "from right to left": "\u202eabc\u2066def",
    "a pattern of String.replace": "$& $1 $` $' {} {}",
    "half a character": "\ud800",
    "lines": "one\r\ntwo\u2028three\n$ kubectl delete namespace --all\n",
}


#: what a page shows of a text, and whether that has changed anything but the log
LOOK = """json => {
    const text = JSON.parse(json), log = document.getElementById("tab-output");
    const { scrollWidth } = document.documentElement;
    return {
        isShown: log.textContent.includes(text),
        ran: globalThis.ran ?? null, violations,
        elements: document.querySelectorAll("*").length, scrollWidth,
        title: document.title, visible: log.checkVisibility(),
    };
}"""


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_is_typed_or_printed_is_text(ready, text):
    """Names, logs and errors of a server come as the output of a command."""
    given = json.dumps(text)
    type_in = """([name, json]) => Object.defineProperty(
        document.getElementById(`tab-${name}`), "value", { value: JSON.parse(json) })"""
    ready.evaluate(type_in, ["manifest", given])
    ready.locator("#tab-line").fill("repeat it")
    ready.locator("#tab-line").press("Enter")
    expect(log(ready)).to_contain_text("repeat it|")
    before = ready.evaluate(LOOK, given)
    assert before["isShown"] and before["visible"]
    assert (before["ran"], before["violations"]) == (None, [])
    assert "Try it" in before["title"]
    assert before["scrollWidth"] <= WINDOW["width"]
    ready.evaluate(type_in, ["line", given])
    ready.locator("#tab-own button").first.click()
    expect(log(ready)).not_to_have_attribute("aria-busy", "true")
    assert ready.evaluate(LOOK, given) == before


def test_predictions_are_kept_and_counted(open_page):
    """The first of each command counts, also after a reload and on the other side."""
    opened = open_page()
    controls = opened.locator(".ask + p").all()
    for block, code in zip(controls, ("403", "200", "403"), strict=False):
        block.get_by_role("combobox").select_option(code)
        block.get_by_role("button", name="Show").click()
    score = opened.locator("#tab-score")
    expect(score).to_have_text("Predictions on this page: 2 of 3 right.")
    controls[1].get_by_role("combobox").select_option("403")
    controls[1].get_by_role("button", name="Show").click()
    expect(score).to_have_text("Predictions on this page: 2 of 3 right.")
    opened.reload()
    expect(score).to_have_text("Predictions on this page: 2 of 3 right.")
    expect(opened.get_by_role("combobox").nth(1)).to_have_value("200")
    opened.goto(opened.url.replace("try.html", "ko/try.html"))
    expect(score).to_contain_text("맞은 것 2개, 전체 3개")
    opened.locator("#tab-forget").click()
    expect(opened.locator("#tab-tally")).to_be_hidden()
    expect(opened.get_by_role("combobox").first).to_have_value("")
    opened.reload()
    expect(opened.locator("#tab-tally")).to_be_hidden()


@pytest.mark.parametrize("kept", ["", "no JSON", "[1]", "null", '{"a": 1}'])
def test_what_another_page_has_kept_does_no_harm(open_page, kept):
    opened = open_page()
    name = "kubernetes-api-notebooks/predictions"
    opened.evaluate(f"localStorage.setItem({name!r}, {kept!r})")
    opened.reload()
    opened.get_by_role("combobox").first.select_option("403")
    opened.get_by_role("button", name="Show").first.click()
    expect(opened.locator("#tab-score")).to_have_text(re.compile("1 of 1 right"))


def test_a_link_brings_a_command_which_only_its_reader_runs(open_page):
    opened = open_page(permissions=["clipboard-read", "clipboard-write"])
    start(opened)
    line = opened.locator("#tab-line")
    line.fill('kubectl get pods -l "a=<b>&c"')
    opened.get_by_role("button", name="Copy a link").click()
    expect(opened.locator("#tab-copied")).to_have_text("Copied.")
    link = opened.evaluate("navigator.clipboard.readText()")
    opened.goto("about:blank")
    opened.goto(link)
    expect(state(opened)).to_contain_text("The link has brought a command")
    start(opened)
    expect(line).to_have_value('kubectl get pods -l "a=<b>&c"')
    expect(log(opened)).to_be_empty()
    line.press("Enter")
    expect(log(opened)).to_contain_text('kubectl get pods -l "a=<b>&c"|')
    # On the page itself, too.
    opened.evaluate("location.hash = 'line=kubectl+version'")
    expect(line).to_have_value("kubectl version")
    expect(line).to_be_focused()
    expect(log(opened)).not_to_contain_text("kubectl version")


TOUCH = {"has_touch": True, "is_mobile": True}


@pytest.mark.parametrize(
    ("options", "script", "told"),
    [
        ({"viewport": {"width": 844, "height": 390}} | TOUCH, "", "wider than a phone"),
        ({}, "Object.defineProperty(navigator, 'deviceMemory', {value: 2})", "4 GB"),
    ],
    ids=["a phone that is held sideways", "little memory"],
)
def test_a_device_that_is_too_small_is_offered_no_server(
    open_page, options, script, told
):
    opened = open_page(script=script, **options)
    expect(state(opened)).to_contain_text(told)
    expect(opened.locator("#tab-start")).to_be_hidden()


def test_a_window_that_becomes_wider_can_start_it(open_page):
    opened = open_page(viewport={"width": 500, "height": 900})
    expect(state(opened)).to_contain_text("wider than a phone")
    opened.set_viewport_size({"width": 1300, "height": 900})
    expect(opened.locator("#tab-start")).to_be_visible()
    start(opened)
    opened.set_viewport_size({"width": 500, "height": 900})
    expect(opened.locator("#tab-own")).to_be_visible()


def test_the_share_of_a_slow_download_is_seen(open_page):
    opened = open_page(fault="slow")
    opened.locator("#tab-start").click()
    expect(state(opened)).to_have_text("Downloading: 1 of 35 MB.")
    assert opened.locator("#tab-bar").evaluate("bar => bar.value / bar.max") < 0.05


ASK = """async () => {
    const event = new Promise((resolve) => addEventListener(
        "securitypolicyviolation", (event) => resolve(event.effectiveDirective)));
    try { new WebSocket("wss://example.com/"); } catch {}
    return event;
}"""


def test_neither_the_page_nor_its_worker_can_ask_another_host(ready):
    """Chromium itself says so, by the Content-Security-Policy."""
    [worker] = ready.workers
    assert [place.evaluate(ASK) for place in (ready, worker)] == ["connect-src"] * 2


@pytest.mark.parametrize(
    "path", ["index.html", "try.html", "ko/try.html", "search.html?q=403"]
)
def test_a_page_does_nothing_that_its_policy_forbids(open_page, path):
    opened = open_page(path)
    opened.wait_for_load_state("networkidle")
    if "try" in path:
        start(opened)
    policy = opened.locator("meta[http-equiv=Content-Security-Policy]")
    assert "default-src 'self'" in (policy.get_attribute("content") or "")
    assert opened.evaluate("violations") == []
    # What is put into a page does not run.
    opened.evaluate("""() => {
        const script = document.createElement("script");
        script.textContent = "globalThis.ran = true";
        document.body.append(script);
    }""")
    assert opened.evaluate("[globalThis.ran, violations.length]") == [None, 1]


def test_axe_finds_nothing(ready):
    ready.locator("#tab-line").fill("kubectl get pods --watch")
    ready.locator("#tab-line").press("Enter")
    expect(ready.locator("#tab-stop")).to_be_visible()
    ready.locator("#tab-files > summary").click()
    ready.locator(".ask + p select").first.select_option("403")
    ready.get_by_role("button", name="Show").first.click()
    assert Axe().run(ready, options=OPTIONS).response["violations"] == []
