"""Every view goes on after a restart of its API server, and never holds the kernel."""

import contextlib
import threading
import time

import pytest

from cluster.tests.rbacserver import DEFAULT
from cluster.tests.slowness import scaled
from cluster.tests.waiting import until
from helpers import errors, widgets
from helpers.api import watch
from helpers.views.widgets import view
from tests.helpers.views.widgets.manifests import pod

TIMEOUT = 60.0
#: seconds for which the end of a view waits in these tests
STOP = 0.5


def free() -> float:
    """Return the seconds in which a cell that opens or stops a view is done."""
    return scaled(2 * STOP)


def create(server, name: str) -> None:
    server.post(f"{DEFAULT}/pods", pod(name))


@pytest.mark.parametrize(
    ("make", "message"),
    [(widgets.live_pods, "0 pods."), (widgets.api_explorer, "200 OK")],
    ids=["live_pods", "api_explorer"],
)
def test_what_a_page_keeps_of_it_has_the_first_answer(
    connected, make, message, monkeypatch
):
    """The text is written when the cell ends, and printing says the same."""
    for module in ("explorer", "livepods"):
        name = f"helpers.views.widgets.{module}.SOON"
        monkeypatch.setattr(name, scaled(view.SOON))
    with make(namespace="kube-system") as opened:
        shown = opened._repr_mimebundle_()
        assert message in shown["text/plain"] and message in shown["text/html"]
        assert shown["text/plain"].splitlines()[0] in str(opened)


@contextlib.contextmanager
def live_pods(server):
    with widgets.live_pods(namespace="default") as opened:
        until(lambda: opened.state.listed, TIMEOUT, "the list is there")
        yield
        create(server, "after-live")
        opened.wait_for("ADDED", "after-live", timeout=TIMEOUT)
        assert "after-live" in list(opened.frame()["NAME"])
        with pytest.raises(errors.NotReady, match="ADDED of pod nobody"):
            opened.wait_for("ADDED", "nobody", timeout=0.1)


@contextlib.contextmanager
def api_explorer(server):
    with widgets.api_explorer(namespace="default") as opened:
        opened.choose(resource="namespaces", namespace="")
        yield
        server.post("/api/v1/namespaces", {"metadata": {"name": "after-explorer"}})
        found = opened.choose(resource="namespaces", name="after-explorer")
        assert found["metadata"]["name"] == "after-explorer"
        opened.reload()
        assert "after-explorer" in dict(opened._where.options)


@contextlib.contextmanager
def request_journey(server):
    with widgets.request_journey("traveller") as opened:
        until(lambda: "not found" in opened.text(), TIMEOUT, "it is told")
        yield
        create(server, "traveller")
        opened.send()
        until(lambda: "have a host" in opened.text(), TIMEOUT, "it is told anew")


VIEWS = [live_pods, api_explorer, request_journey]


def test_each_survives_a_restart_of_the_api_server(connected):
    """All are open at once, one restart ends every connection, and each goes on."""
    before = set(threading.enumerate())
    with contextlib.ExitStack() as stack:
        for one in VIEWS:
            stack.enter_context(one(connected))
        connected.restart()
    until(
        lambda: before.issuperset(threading.enumerate()), TIMEOUT, "no thread is left"
    )


def test_there_is_a_test_of_every_view():
    """A new one must be shown to survive, too."""
    assert sorted(one.__name__ for one in VIEWS) == sorted(widgets.__all__)


OPENERS = {
    "live_pods": lambda: widgets.live_pods(namespace="default"),
    "api_explorer": lambda: widgets.api_explorer(namespace="default"),
    "request_journey": lambda: widgets.request_journey("nobody"),
}


@pytest.fixture
def short_stop(monkeypatch):
    """Let a view and its watches wait less for their end than they do in lessons."""
    monkeypatch.setattr(view, "STOP", STOP)
    monkeypatch.setattr(watch, "STOP", STOP)


@pytest.mark.parametrize("name", OPENERS)
def test_a_server_that_hangs_holds_no_cell(connected, short_stop, name):
    """Neither to open a view nor to stop it takes longer than its end may take."""
    began = time.monotonic()
    with connected.halted():
        opened = OPENERS[name]()
        opening = time.monotonic() - began
        opened.stop()
        assert opening < free() and time.monotonic() - began - opening < free()
    opened.close()


def test_a_journey_is_told_when_it_comes(connected):
    """The cell that opens it does not wait, and what fails is said in the view."""
    with connected.halted():
        opened = widgets.request_journey("nobody")
        assert opened.status == "Sending the request."
    with opened:
        until(lambda: "not found" in opened.text(), TIMEOUT, "it is told")
    with pytest.raises(errors.LabError, match="slash"):
        widgets.request_journey("nobody", "no slash")


@pytest.fixture
def explorer(connected):
    with widgets.api_explorer(namespace="default") as opened:
        opened.answer()
        yield opened


def test_no_answer_is_not_the_one_before(explorer, connected, monkeypatch):
    """After its time it is an error, and the view can be used again."""
    assert explorer.choose(path="/version")["major"]
    with monkeypatch.context() as patch:
        patch.setattr("helpers.views.widgets.explorer.ANSWERED", 0.5)
        with connected.halted(), pytest.raises(errors.NotReady):
            explorer.choose(path="/api")
    assert explorer.choose(path="/api")["kind"] == "APIVersions"
