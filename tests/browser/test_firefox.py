"""The API server in a tab of Firefox: the lines of the page, the drill, a lesson."""

import shutil

import psutil
import pytest

from cluster import packages
from cluster.tests.waiting import until
from tests.browser.firefox import firefox

pytestmark = [
    pytest.mark.full("the site, and a second browser"),
    # Alone it also runs all lessons, for the site.
    pytest.mark.timeout(1800),
]
#: seconds until the server is ready, on a busy machine
START = 600
#: bytes of the process that has the page; about 1.2e9 are usual
MOST = 1.5e9
STATE, LINE, OWN = "$('#tab-state')", "$('#tab-line')", "$('#tab-own')"
OUTPUT, DRILL = "$('#tab-output')", "$('#tab-drill')"
VERDICT = "$('#tab-drill [role=status]')"
#: the answers to the lines of the page; before each are its buttons, and what it is
ANSWERS = "[...document.querySelectorAll('.ask ~ .answer')]"
HELPERS = """
globalThis.$ = (found) => document.querySelector(found);
globalThis.button = (place, name) => [...place.querySelectorAll("button")]
    .find((one) => one.checkVisibility() && one.textContent.startsWith(name));
globalThis.before = (one, steps) =>
    steps ? before(one.previousElementSibling, steps - 1) : one;
"""


@pytest.fixture
def browser(browser_server, address, tmp_path):
    """Return Firefox with the page, before the server starts, and its process's id."""
    program = shutil.which("firefox-esr")
    # Ubuntu's reads no profile in /tmp: it is a snap.
    if program is None and packages.has_package("firefox-esr"):
        program = shutil.which("firefox")
    if program is None:
        pytest.skip("Firefox is not here. Run: sh tools/setup.sh full")
    with firefox(program, tmp_path) as (page, process):
        page.open(f"{address}/try.html")
        page.js(f"{HELPERS} true")
        yield page, process


def run(page, line: str, told: str) -> None:
    """Type a line of one's own, and wait for its end, and for words of its answer."""
    page.js(f"{LINE}.value = {OUTPUT}.textContent = ''")
    page.click(LINE)
    page.type(line)
    page.click(f"button({OWN}, 'Run')")
    page.until(f"{OUTPUT}.textContent.includes({told!r})")
    page.until(f"{OUTPUT}.ariaBusy !== 'true'")


def verdict_of(page) -> str:
    """Have the drill checked; the server takes a moment to see a new right."""
    page.js(f"{VERDICT}.textContent = ''")
    page.click(f"button({DRILL}, 'Check')")
    page.until(f"/^(?!Waiting)./.test({VERDICT}.textContent)")
    return page.js(f"{VERDICT}.textContent")["value"]


def test_a_server_starts_in_firefox(browser):
    page, process = browser
    anonymous = f"{ANSWERS}.find(one => one.textContent.includes('cannot get path'))"
    page.until(f"!{anonymous}.checkVisibility()")
    page.click(f"button(before({anonymous}, 2), 'Show the recorded answer')")
    page.until(f"{anonymous}.checkVisibility()")

    page.click("button(document, 'Start a genuine Kubernetes')")
    page.until(f"{STATE}.textContent.includes('is ready')", START)
    for number in range(page.js(f"{ANSWERS}.length")["value"]):
        answer = f"{ANSWERS}[{number}]"
        page.click(f"button(before({answer}, 2), 'Run')")
        page.until(f"before({answer}, 1).textContent.includes('server in your tab')")
        page.until(f"{answer}.textContent")

    binding = "rolebinding see --role see --serviceaccount drill:reporter -n drill"
    for verb, verdict in (("", "403"), ("get,list", "get pods"), ("list", "Solved")):
        if verdict == "Solved":
            run(page, "kubectl delete role,rolebinding see -n drill", '"see" deleted')
        if verb:
            role = f"role see --verb {verb} --resource pods -n drill"
            run(page, f"kubectl create {role}", "/see created")
            run(page, f"kubectl create {binding}", "/see created")
        until(lambda told=verdict: told in verdict_of(page), what=verdict)

    children = psutil.Process(process).children(recursive=True)
    sizes = [child.memory_info().rss for child in children]
    assert 0.5e9 < max(sizes) < MOST, sizes


def test_a_lesson_runs_in_firefox(browser, address):
    page, _ = browser
    page.open(f"{address}/notebooks/02-cluster-info.html")
    page.js(f"{HELPERS} true")
    page.until("$('#run-start').checkVisibility()")
    page.click("$('#run-start')")
    page.until("document.body.dataset.run === 'ready'", START)
    page.click("button($('.bd-article .cell'), 'Run')")
    page.until("$('.bd-article .cell .live').textContent.includes('tab cluster')")
