"""A watch hears of everything and ends when told; test_widgets.py breaks it."""

import queue
import socket

import pytest

from cluster.tests.waiting import until
from helpers.api.caller import Caller
from helpers.api.watch import BROKEN, LISTED, REFUSED, Watch

PATH = "/api/v1/namespaces/default/configmaps"
TIMEOUT = 30.0


@pytest.fixture(scope="module")
def caller(own_server):
    """Return who may do everything there."""
    return own_server.caller()


class Ears:
    """The events that a watch has heard, handed out one after the other."""

    def __init__(self) -> None:
        self.events: queue.Queue = queue.Queue()

    def __call__(self, event) -> None:
        self.events.put(event)

    def next(self, *kinds: str):
        """Return the next event of one of these types; others are passed over."""
        while (event := self.events.get(timeout=TIMEOUT)).type not in kinds:
            pass
        return event


@pytest.fixture
def ears():
    return Ears()


@pytest.fixture
def watch(caller, ears):
    """Return a function that starts a watch, and end it after the test."""
    started = []

    def start() -> Watch:
        started.append(Watch(caller, PATH, ears).start())
        return started[-1]

    yield start
    for one in started:
        one.stop()


def create(caller, name: str) -> None:
    body = {"metadata": {"name": name}}
    assert caller.request("POST", PATH, body=body).status == 201


def delete(caller, name: str) -> None:
    assert caller.request("DELETE", f"{PATH}/{name}").status == 200


def test_it_lists_and_hears_what_follows(caller, ears, watch):
    """Each event once, in the order of the server."""
    create(caller, "before")
    watch()
    page = ears.next(LISTED).object
    assert "before" in [item["metadata"]["name"] for item in page["items"]]
    create(caller, "hello-no")
    delete(caller, "hello-no")
    heard = [ears.next("ADDED", "DELETED") for _ in range(2)]
    assert [one.type for one in heard] == ["ADDED", "DELETED"]
    assert {one.object["metadata"]["name"] for one in heard} == {"hello-no"}


def test_a_refusal_is_told_and_ends_it(ears, caller):
    """403 and 404 will not become better by asking again."""
    watch = Watch(caller, "/apis/example.com/v1/things", ears).start()
    assert "404" in ears.next(REFUSED).object["message"]
    watch.stop()
    assert not watch.running


def test_nobody_answers(ears):
    """A watch reports the failure once, and tries again until it is stopped."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(TIMEOUT)
        nobody = Caller(f"https://127.0.0.1:{listener.getsockname()[1]}", ca=None)
        watch = Watch(nobody, PATH, ears).start()
        for _ in range(3):
            listener.accept()[0].close()
        ears.next(BROKEN)
        watch.stop()
    assert not watch.running
    assert ears.events.empty()


def test_to_list_is_not_to_watch(own_server, ears):
    """An account that may only list is told so, once; the server is left alone."""
    caller = own_server.account("lister")
    own_server.allow("lister", "configmaps", "list")
    caller.wait_for(200, PATH)
    watch = Watch(caller, PATH, ears).start()
    ears.next(LISTED)
    event = ears.next(BROKEN, REFUSED)
    assert event.type == REFUSED and "cannot watch" in event.object["message"]
    until(lambda: not watch.running, TIMEOUT, "it ends")


def test_a_list_says_where_it_begins(caller, ears, monkeypatch):
    """Pages of an earlier list, which broke off, are void."""
    monkeypatch.setattr("helpers.api.watch.PAGE", 2)
    watch = Watch(caller, "/api/v1/namespaces", ears).start()
    pages = [ears.next(LISTED) for _ in range(2)]
    watch.stop()
    assert [page.first for page in pages] == [True, False]


def test_a_watch_that_waits_ends_at_once(caller, ears, watch):
    """`stop` wakes the watch's thread from a read that may last for minutes."""
    started = watch()
    ears.next(LISTED)
    create(caller, "woken")
    ears.next("ADDED")
    started.stop()
    assert not started.running
