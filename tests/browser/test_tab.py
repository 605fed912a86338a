"""*Try it* in Chromium, with a server in the tab or without."""

import http.server
import importlib.util
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tab import build
from tests.browser.conftest import WINDOW
from tests.browser.webserver import opening, serving
from website import build as site, tryit

pytestmark = [
    pytest.mark.full("an API server in a browser"),
    pytest.mark.skipif(
        importlib.util.find_spec("sphinx") is None,
        reason="Sphinx is not here. Run: sh tools/setup.sh site",
    ),
    pytest.mark.skipif(
        build.find() is None,
        reason="the program for the browser is not here. Run: python -m tab.build",
    ),
    pytest.mark.timeout(900),
]
#: milliseconds until the server is ready, and for an answer, on a busy machine
READY, ANSWER = 300_000, 60_000
#: status of each block of the page; 0: kubectl shows none, or curl gets no response
CODES = [0, 0, 0, 0, 200, 403, 401, 200, 0, 403, 200, 403]
CODES += [0, 0, 0, 0, 400, 422, 409, 200, 0]
HOME = "# Home\n\n```{toctree}\ntry\nnotebooks/glossary\n```\n"
MANIFEST = """apiVersion: rbac.authorization.k8s.io/v1
kind: {role}
metadata: {{name: see, namespace: {namespace}}}
rules: {rules}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {binding}Binding
metadata: {{name: see, namespace: {namespace}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: {role}, name: see}}
subjects: {subjects}
"""
#: scripts of a Worker that has too little memory, at once or later
FAULTS = {
    "memory": b"""WebAssembly.instantiate = async () => {
        throw new RangeError("WebAssembly.instantiate(): Out of memory");
    };""",
    "early": b"""setTimeout(() => { throw new Error("Out of memory"); });""",
    "later": b"""const looks = setInterval(() => {
        if (!globalThis.kubernetes) return;
        clearInterval(looks);
        setTimeout(() => { throw new Error("Out of memory"); }, 3000);
    }, 100);""",
}


class Server(http.server.SimpleHTTPRequestHandler):
    """A web server of a site, which can send the program otherwise than it should."""

    fault = ""

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        file = Path(self.translate_path(self.path))
        if name == "worker.js" and self.fault in FAULTS:
            script = FAULTS[self.fault] + file.read_bytes()
            self.answer(script, kind="text/javascript")
        elif name == build.PACKED and self.fault == "missing":
            self.send_error(404)
        elif name == build.PACKED and self.fault == "encoded":
            self.answer(file.read_bytes(), encoding="gzip")
        elif name == build.PACKED and self.fault == "cut":
            self.answer(file.read_bytes(), most=8_000_000)
        else:
            super().do_GET()

    def answer(
        self, body: bytes, kind: str = "", encoding: str = "", most: int | None = None
    ) -> None:
        """Send a body, or what is at its beginning."""
        self.send_response(200)
        self.send_header("Content-Type", kind or "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        if encoding:
            self.send_header("Content-Encoding", encoding)
        self.end_headers()
        self.wfile.write(body[:most])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """Return a site of the page, in each language."""
    folder = tmp_path_factory.mktemp("tab")
    target, sources = folder / "site", folder / "sources"
    answers = tryit.record(tryit.page(site.site_texts(site.FIRST)))
    assert answers
    for language in ("en", "ko"):
        source, books = sources / language, site.notebooks_dir(language)
        (source / "notebooks").mkdir(parents=True)
        (source / "index.md").write_text(HOME)
        shutil.copy(books / "glossary.md", source / "notebooks")
        shutil.copytree(books / "images", source / "notebooks" / "images")
        text = tryit.page(site.site_texts(language))
        (source / "try.md").write_text(tryit.insert_answers(text, answers))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site, "REPOSITORY", "")
        for language in ("en", "ko"):
            # Warnings are of links to pages that this site lacks.
            site.build(
                language, sources / language, target / site.language_dir(language)
            )
    tryit.copy(target)
    site.finish(target)
    return target


@pytest.fixture(scope="module")
def address(built) -> Iterator[str]:
    with serving(built, Server) as url:
        yield url


@pytest.fixture
def open_page(browser, address) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a page; the console says what a fault does to it."""
    with opening(browser, address, errors=True, viewport=WINDOW) as open_one:
        yield open_one


@pytest.fixture(scope="module")
def ready(browser, address) -> Iterator[Page]:
    """Return the page with a server that is ready, for all tests that leave it so."""
    context = browser.new_context(viewport=WINDOW)
    opened = context.new_page()
    opened.goto(f"{address}/try.html")
    start(opened)
    yield opened
    context.close()


def state(opened: Page):
    """Return the line that says how the server is."""
    return opened.locator("#tab-state")


def expect_phase(opened: Page, phase: str) -> None:
    """Wait until the page is so far."""
    body = opened.locator("body")
    expect(body).to_have_attribute("data-tab", phase, timeout=READY)


def start(opened: Page) -> None:
    """Start the server, and wait for it."""
    opened.locator("#tab-start").click()
    expect_phase(opened, "ready")
    ready = re.compile("The node is Ready after")
    if not opened.url.count("/ko/"):
        expect(opened.locator("#tab-node")).to_have_text(ready, timeout=READY)


def line_of(opened: Page) -> Locator:
    """Return where a reader writes a command."""
    return opened.get_by_role("textbox", name="A command")


def run(opened: Page, line: str, manifest: str = "") -> str:
    """Run a line of one's own; return what it says."""
    log = opened.get_by_role("log")
    before = log.text_content() or ""
    opened.locator("#tab-manifest").evaluate(
        "(box, text) => box.value = text", manifest
    )
    typed = line_of(opened)
    typed.fill(line)
    typed.press("Enter")
    expect(log).not_to_have_attribute("aria-busy", "true", timeout=ANSWER)
    expect(log).not_to_have_text(before, timeout=ANSWER)
    said = (log.text_content() or "").removeprefix(before)
    return said.partition("\n")[2]


def block(opened: Page, text: str) -> tuple:
    """Return the controls below a block, what is said of its answer, and the answer."""
    found = opened.locator(".ask", has_text=text).first
    below = (
        found.locator(f"xpath=following-sibling::{one}")
        for one in ("p[1]", "p[2]", "pre[1]")
    )
    return tuple(below)


def test_an_answer_is_predicted_and_then_shown(open_page):
    """By keyboard alone: choosing a code shows nothing yet."""
    opened = open_page("try.html")
    controls, said, answer = block(opened, "cacert ca.crt https://kubernetes/apis")
    expect(answer).to_be_hidden()
    controls.get_by_role("combobox").focus()
    opened.keyboard.type("401")
    expect(answer).to_be_hidden()
    opened.keyboard.press("Tab")
    opened.keyboard.press("Enter")
    expect(said).to_have_text("No, the code is 403. Recorded when this site was built.")
    expect(answer).to_contain_text("system:anonymous")
    controls.get_by_role("combobox").select_option("403")
    controls.get_by_role("button").click()
    expect(said).to_have_text("Right. Recorded when this site was built.")


def test_it_starts_and_is_cancelled_by_keyboard(open_page):
    opened = open_page("try.html")
    # It is there as soon as the page can start a server.
    expect(opened.locator("#tab-start")).to_be_visible()
    opened.locator("#tab-start").focus()
    opened.keyboard.press("Enter")
    expect(state(opened)).to_contain_text(re.compile("Downloading|Compiling|Starting"))
    # Not on what ends it: who presses Enter twice would cancel the start.
    expect(state(opened)).to_be_focused()
    opened.keyboard.press("Shift+Tab")
    expect(opened.locator("#tab-cancel")).to_be_focused()
    opened.keyboard.press("Enter")
    expect(state(opened)).to_have_text("The start was cancelled.")
    expect(opened.locator("#tab-start")).to_be_focused()


def test_each_block_is_answered_by_the_server_in_the_tab(ready):
    """With the code that the text around it promises, recorded and live."""
    assert ready.locator(".ask").count() == len(CODES)
    for controls, code in zip(ready.locator(".ask + p").all(), CODES, strict=True):
        said = controls.locator("xpath=following-sibling::p[1]")
        answer = controls.locator("xpath=following-sibling::pre[1]")
        expect(answer).to_have_attribute("data-status", str(code))
        verdict = "Right. " if code else ""
        if code:
            controls.get_by_role("combobox").select_option(str(code))
        controls.get_by_role("button", name="Run").click()
        live = f"{verdict}Answered by the server in your tab."
        expect(said).to_have_text(live, timeout=ANSWER)
        if code >= 400:
            expect(answer).to_contain_text(f'"code": {code}')
    assert Axe().run(ready).response["violations"] == []


def grant(
    namespace: str = "drill",
    role: str = "Role",
    binding: str = "Role",
    rules: tuple[dict, ...] = ({},),
    subjects: tuple[str, ...] = ("reporter",),
) -> str:
    """Return the manifest of a role and its binding."""
    listed = {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}
    account = {"kind": "ServiceAccount", "namespace": "drill"}
    return MANIFEST.format(
        namespace=namespace,
        role=role,
        binding=binding,
        rules=json.dumps([listed | rule for rule in rules]),
        subjects=json.dumps([account | {"name": name} for name in subjects]),
    )


@pytest.fixture
def drill(ready) -> Page:
    """Return the page with the accounts of the drill and nothing granted."""
    run(ready, "kubectl create namespace drill")
    run(ready, "kubectl create serviceaccount reporter -n drill")
    for namespace in ("drill", "default"):
        run(ready, f"kubectl delete role,rolebinding --all -n {namespace}")
    run(ready, "kubectl delete clusterrole,clusterrolebinding see --ignore-not-found")
    return ready


def check(opened: Page) -> str:
    """Return what the drill says."""
    verdict = opened.locator("#tab-verdict")
    verdict.evaluate("one => one.textContent = ''")
    opened.get_by_role("button", name="Check the drill").click()
    expect(verdict).to_have_text(re.compile("^(?!Waiting)."), timeout=ANSWER)
    return verdict.text_content() or ""


def test_the_drill_is_solved_by_commands(drill):
    assert "reporter gets 403" in check(drill)
    run(drill, "kubectl create role see --verb list --resource pods -n drill")
    account = "--serviceaccount drill:reporter"
    run(drill, f"kubectl create rolebinding see --role see {account} -n drill")
    assert check(drill).startswith("Solved")


def test_the_drill_says_what_is_too_much(drill):
    """`drill.test.js` has the other verdicts."""
    granted = grant(rules=({"resources": ["pods", "configmaps"]},))
    assert "created" in run(drill, "kubectl apply -f -", granted)
    assert ": list configmaps -n drill." in check(drill)


def test_the_drill_looks_into_each_namespace(drill):
    run(drill, "kubectl apply -f -", grant())
    run(drill, "kubectl apply -f -", grant(namespace="default"))
    assert ": list pods -n default." in check(drill)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('kubectl get "pods', "unexpected EOF while looking for matching `\"'"),
        ("kubectl get pods --token $NOBODY", "bash: line 1: NOBODY: unbound variable"),
        ("helm list", "bash: line 1: helm: command not found"),
        ("kubectl exec nosuch -- ls", 'pods "nosuch" not found'),
        ("kubectl run web --image=nosuch:1; kubectl logs web", "waiting to start"),
        ("curl https://example.com/", "curl: (6) Could not resolve host: example.com"),
        (
            "kubectl apply -f https://example.com/x",
            "Nothing was run, because no request",
        ),
        ("kubectl get ns --server http://example.com", "dial tcp: lookup example.com"),
        ("kubectl get nosuch", 'the server doesn\'t have a resource type "nosuch"'),
    ],
)
def test_a_line_that_cannot_run_says_why(ready, line, told):
    assert told in run(ready, line)


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("kubectl api-resources | grep -c -i pod", "5"),
        ("kubectl version -o json | jq -r .serverVersion.platform", "js/wasm"),
        ("kubectl get ns -o name >names; grep -c kube- <names", "3"),
        ('for name in one two; do echo "a $name"; done', "a one\na two"),
        ("curl -s --cacert ca.crt https://kubernetes/version | jq -r .major", "1"),
    ],
)
def test_a_line_may_be_a_script(ready, line, answer):
    assert answer in run(ready, line).splitlines() or answer in run(ready, line)


def test_lines_share_variables_functions_and_the_directory(ready):
    """But what the page asks for the drill is not asked from there."""
    for line in (
        "ME=reporter; greet() { echo hello $1; }; mkdir -p /tmp/place; cd /tmp/place",
        "false",
    ):
        run(ready, f"{line}; echo done")
    assert run(ready, "greet $ME; pwd") == "hello reporter\n/tmp/place\n"
    assert "reporter" in check(ready)
    assert run(ready, "cd; pwd") == "/root\n"


def stop_line(ready, line: str, shown: str) -> str:
    """Run a line without an end, stop it when that is shown; return what it says."""
    log = ready.get_by_role("log")
    before = log.text_content() or ""
    ready.locator("#tab-line").fill(line)
    ready.locator("#tab-line").press("Enter")
    expect(log).to_contain_text(shown, timeout=ANSWER)
    ready.locator("#tab-stop").click()
    # The log has the end of an earlier line, too.
    expect(log).not_to_have_attribute("aria-busy", "true", timeout=ANSWER)
    text = (log.text_content() or "").removeprefix(before)
    assert text.rstrip().endswith("Stopped.")
    return text


def test_a_watch_of_kubectl_ends_with_stop(ready):
    stop_line(ready, "kubectl get configmaps -Aw | cat", "kube-root-ca.crt")
    assert "Client Version" in run(ready, "kubectl version")


def test_an_endless_output_leaves_the_page_and_its_stop_alive(ready):
    text = stop_line(ready, "yes Hallo", "Hallo\nHallo")
    assert len(text) < 1_000_000
    assert "Client Version" in run(ready, "kubectl version")


def test_a_pod_runs_and_asks_the_server(ready):
    run(ready, "kubectl delete pod web --ignore-not-found --now")
    run(ready, "kubectl run web --image toolbox:1 -- sleep infinity")
    run(ready, "kubectl wait --for condition=Ready pod/web --timeout 120s")
    assert "web" in run(ready, "kubectl exec web -- cat /etc/hostname")
    token = "$(cat /var/run/secrets/kubernetes.io/serviceaccount/token)"
    asks = f'curl -sk -H "Authorization: Bearer {token}" https://kubernetes.default.svc/api'
    assert '"APIVersions"' in run(ready, f"kubectl exec web -- sh -c '{asks}'")
    assert "deleted" in run(ready, "kubectl delete pod web --now")


def test_a_file_is_written_applied_and_read_again(ready):
    text = ready.locator("#tab-manifest")
    # The answer to a file of another host opens them, too.
    if not text.is_visible():
        ready.locator("#tab-files > summary").click()
    ready.get_by_label("Name").fill("my colors.yaml")
    text.fill("{apiVersion: v1, kind: ConfigMap, metadata: {name: mine}}")
    ready.get_by_role("button", name="Save").click()
    expect(ready.get_by_role("log")).to_contain_text("$ cat > 'my colors.yaml'\n")
    text.fill("")
    ready.get_by_role("button", name="Open").click()
    expect(text).to_have_value(re.compile("name: mine"), timeout=ANSWER)
    assert "mine created" in run(ready, "kubectl apply -f 'my colors.yaml'")


def test_a_line_has_a_caller_and_a_history(ready):
    line = line_of(ready)
    callers = ready.get_by_label("Caller")
    callers.select_option("nobody")
    assert "system:anonymous" in run(ready, "curl -s https://kubernetes/apis")
    callers.select_option("a wrong token")
    assert '"code": 401' in run(ready, "curl -s https://kubernetes/api | cat")
    callers.select_option("as written")
    for text in ("kubectl version", "kubectl get nodes", "kubectl version"):
        run(ready, text)
    shown = []
    for key in ("ArrowUp", "ArrowUp", "ArrowDown", "ArrowDown", "ArrowDown"):
        line.press(key)
        shown.append(line.input_value())
    newest, older = "kubectl version", "kubectl get nodes"
    assert shown == [older, "curl -s https://kubernetes/api | cat", older, newest, ""]


def test_a_watch_streams_while_other_commands_run(ready):
    run(ready, "kubectl delete configmap seen --ignore-not-found")
    line = line_of(ready)
    watched = "https://kubernetes/api/v1/namespaces/default/configmaps?watch=1"
    admin = "--cacert ca.crt --cert admin.crt --key admin.key"
    line.fill(f'curl -sSN -m 20 {admin} "{watched}"')
    line.press("Enter")
    log = ready.get_by_role("log")
    expect(log).to_contain_text('"type":"ADDED"', timeout=ANSWER)
    line.fill("kubectl version")
    line.press("Enter")
    expect(log).to_contain_text("A command is still running here.")
    controls, said, _ = block(ready, "kubectl create namespace shop")
    controls.get_by_role("button", name="Run").click()
    expect(said).to_contain_text("in your tab", timeout=ANSWER)
    expect(log).to_contain_text("curl: (28) Operation timed out", timeout=ANSWER)


def test_the_end_of_a_long_answer_is_seen(ready):
    run(ready, "kubectl")
    log = ready.get_by_role("log")
    assert log.evaluate("log => log.scrollHeight > 1.5 * log.clientHeight")
    below = "log => log.scrollHeight - log.clientHeight - log.scrollTop"
    assert log.evaluate(below) < 2


def test_a_watch_of_kubectl_has_no_warnings_for_the_server(ready):
    """Clients in the server are warned every ten seconds."""
    assert "Warning" not in run(ready, "timeout 20 kubectl get namespaces -w")


def test_reset_forgets_everything(ready):
    controls, said, answer = block(ready, "cacert ca.crt https://kubernetes/apis")
    controls.get_by_role("button", name="Run").click()
    expect(said).to_contain_text("in your tab", timeout=ANSWER)
    run(ready, "kubectl create namespace forgotten")
    ready.once("dialog", lambda question: question.accept())
    ready.get_by_role("button", name="Start a new server").click()
    expect_phase(ready, "starting")
    expect_phase(ready, "ready")
    expect(answer).to_be_hidden()
    expect(said).to_be_empty()
    assert "not found" in run(ready, "kubectl get namespace forgotten")
    assert "Run the commands of the drill first" in check(ready)


def test_a_page_that_is_hidden_for_minutes_stops_its_server(open_page):
    opened = open_page("try.html")
    opened.clock.install()
    opened.reload()
    start(opened)
    for hidden in (False, True):
        opened.evaluate(
            """hidden => {
                const told = {value: hidden, configurable: true};
                Object.defineProperty(document, "hidden", told);
                document.dispatchEvent(new Event("visibilitychange"));
            }""",
            hidden,
        )
        expect_phase(opened, "ready")
        opened.clock.fast_forward("06:00")
    expect(state(opened)).to_contain_text("the page was hidden for five minutes")
    expect(opened.locator("#tab-start")).to_be_visible()
    # A reload begins anew.
    opened.reload()
    expect(state(opened)).to_be_empty()


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("cut", r"did not start. .* Downloading: \d+ of \d+ MB. The browser says: \S"),
        (
            "missing",
            "did not start. .* Downloading: .* says: kube-apiserver.wasm.gz: 404 ",
        ),
        ("memory", "did not start. .* Compiling. .*: Out of memory"),
        ("early", "did not start. .*: .*Out of memory"),
        ("later", "has ended: .*Out of memory"),
    ],
)
def test_a_server_that_cannot_start_leaves_the_recorded_answers(
    open_page, monkeypatch, fault, told
):
    monkeypatch.setattr(Server, "fault", fault)
    opened = open_page("try.html")
    opened.locator("#tab-start").click()
    whole = f"^The API server {told}.* Start it again; the recorded answers remain.$"
    expect(state(opened)).to_have_text(re.compile(whole), timeout=READY)
    expect(opened.locator("#tab-start")).to_be_visible()
    controls, _, answer = block(opened, "cacert ca.crt https://kubernetes/apis")
    controls.get_by_role("button").click()
    expect(answer).to_contain_text("system:anonymous")


def test_a_web_server_may_say_that_the_program_is_packed(open_page, monkeypatch):
    monkeypatch.setattr(Server, "fault", "encoded")
    start(open_page("try.html"))


NO_WASM = "delete globalThis.WebAssembly;"


@pytest.mark.parametrize(
    ("path", "width", "script", "told"),
    [
        ("try.html", 390, "", "only in a window wider than a phone's"),
        ("ko/try.html", 390, "", "휴대전화보다 넓은 창에서만"),
        ("file", 1300, "", "not from a file"),
        ("try.html", 1300, NO_WASM, "This browser lacks WebAssembly"),
    ],
    ids=["phone", "Korean phone", "file", "no WebAssembly"],
)
def test_where_no_server_can_start_one_line_says_why(
    open_page, address, built, path, width, script, told
):
    opened = open_page("about:blank", viewport={"width": width, "height": 1000})
    opened.add_init_script(script)
    opened.goto(
        (built / "try.html").as_uri() if path == "file" else f"{address}/{path}"
    )
    expect(state(opened)).to_contain_text(told)
    for one in ("#tab-start", "#tab-own", "#tab-files", ".ask + p button + button"):
        expect(opened.locator(one).first).to_be_hidden()
    controls, _, answer = block(opened, "cacert ca.crt https://kubernetes/apis")
    controls.get_by_role("button").click()
    expect(answer).to_contain_text("system:anonymous")


def test_without_scripts_there_are_the_recorded_answers(open_page):
    opened = open_page("try.html", java_script_enabled=False)
    expect(opened.locator("pre.answer").nth(1)).to_be_visible()
    expect(opened.locator("#tab-start")).to_be_hidden()
    expect(opened.get_by_text("Without JavaScript")).to_be_visible()
