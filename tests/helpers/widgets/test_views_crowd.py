"""5,000 pods with Hangul and emoji: what is drawn stays small, and the data are whole.

A label may have neither, says the server; annotations may, and so do these.
"""

import pytest

from helpers import widgets
from tests.helpers.widgets.manifests import pod
from tests.rbacserver import DEFAULT
from tests.waiting import until

pytestmark = pytest.mark.full("infrastructure that lessons do not touch")
TIMEOUT = 120.0
PODS = 5000
#: characters that one part of a view may send to the browser
DRAWN = 2_000_000
#: lines of a text form
LINES = 60
WORDS = "바다 🦊"


@pytest.fixture(scope="module")
def crowd(server):
    """Return a server with so many pods."""
    server.fill([pod(f"pod-{number:04}", mood=WORDS) for number in range(PODS)])
    return server


def test_a_label_may_have_neither(connected):
    """So no view can meet them there."""
    for word in WORDS.split():
        body = pod("refused")
        body["metadata"]["labels"]["mood"] = word
        answer = connected.caller().request("POST", f"{DEFAULT}/pods", body=body)
        assert answer.status == 422
        assert "metadata.labels: Invalid value" in answer.json()["message"]


def test_the_live_table(crowd, connected):
    """The first rows are drawn and printed, every row is in the data."""
    with widgets.live_pods(namespace="default") as view:
        until(lambda: f"of {PODS:,} pods" in view._table.value, TIMEOUT, "drawn")
        assert len(view._table.value) + len(view._events.value) < DRAWN
        assert len(view.frame()) == PODS
        text = view.text()
        assert f"{PODS:,} pods." in text and len(text.splitlines()) < LINES
        view._filter.value = "pod-4999"
        until(lambda: f"1 of {PODS:,} pods" in view._table.value)


def test_the_explorer(crowd, connected):
    """It asks for a part and says so."""
    with widgets.api_explorer(namespace="default") as view:
        answer = view.choose(resource="pods")
        left = answer["metadata"]["remainingItemCount"]
        assert len(answer["items"]) + left == PODS
        assert f"{left:,} more" in view.text()
        assert len(view.text().splitlines()) < LINES
        until(lambda: "pod-0000" in view._tree.value, TIMEOUT, "the tree is drawn")
        assert len(view._tree.value) < DRAWN
        one = view.choose(resource="pods", name="pod-4999")
        assert one["metadata"]["annotations"] == {"mood": WORDS}
        until(lambda: WORDS in view._tree.value, TIMEOUT, "drawn as it is")
