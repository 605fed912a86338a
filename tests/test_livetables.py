"""A live table has the rows that a list would have, after whatever was heard."""

from datetime import UTC, datetime, timedelta

from helpers.livetables import Heard, LiveTable, seconds
from helpers.watch import BROKEN, LISTED, RECONNECTED, REFUSED, Event

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
DEFINITIONS = [
    {"name": "Name", "priority": 0},
    {"name": "Status", "priority": 0},
    {"name": "Age", "priority": 0},
    {"name": "IP", "priority": 1},
]


def row(name: str, status: str = "Running", **labels) -> dict:
    metadata = {
        "name": name,
        "namespace": "default",
        "labels": labels,
        "creationTimestamp": "2026-11-25T11:59:00Z",
    }
    return {"cells": [name, status, "1s", "10.0.0.1"], "object": {"metadata": metadata}}


def table(*rows: dict, token: str = "", definitions=DEFINITIONS) -> dict:
    metadata = {"continue": token} if token else {}
    return {"rows": rows, "columnDefinitions": definitions, "metadata": metadata}


def heard(kind: str, *rows: dict, **more) -> Event:
    return Event(kind, table(*rows, **more), NOW)


def listed(*rows: dict) -> LiveTable:
    model = LiveTable()
    model.hear(heard(LISTED, *rows))
    return model


def names(model: LiveTable) -> list[str]:
    return list(model.frame(NOW)["NAME"])


def test_nothing_is_a_table_without_rows():
    """An empty namespace has columns all the same."""
    model = listed()
    assert names(model) == []
    assert list(model.frame(NOW)) == [
        *("NAMESPACE", "NAME", "STATUS", "AGE", "LAST EVENT", "AGO")
    ]


def test_half_a_list_leaves_no_ghosts():
    """One that broke off is listed anew, and what it had may be gone by now."""
    model = LiveTable()
    model.hear(heard(LISTED, row("ghost"), token="more")._replace(first=True))
    model.hear(Event(BROKEN, {"message": "cut off"}, NOW))
    model.hear(heard(LISTED, row("a"), token="more")._replace(first=True))
    model.hear(heard(LISTED, row("b")))
    assert names(model) == ["a", "b"]


def test_a_list_shows_when_its_last_page_is_there():
    """Half a list looks like many objects that were deleted."""
    model = listed(row("old"))
    model.hear(heard(LISTED, row("a"), token="more"))
    assert names(model) == ["old"]
    model.hear(heard(LISTED, row("b")))
    assert names(model) == ["a", "b"]


def test_events_make_change_and_remove_rows():
    """What a watch sends has its columns in the first event alone."""
    model = listed(row("a"))
    model.hear(heard("ADDED", row("b", "Pending"), definitions=None))
    model.hear(heard("MODIFIED", row("b", "Running"), definitions=None))
    model.hear(heard("DELETED", row("a"), definitions=None))
    frame = model.frame(NOW + timedelta(seconds=3))
    assert frame.values.tolist() == [
        ["default", "b", "Running", "63s", "MODIFIED", timedelta(seconds=3)]
    ]


def test_a_bookmark_is_no_row():
    """It comes as a row of which only the version counts."""
    model = listed(row("a"))
    model.hear(heard("BOOKMARK", {"cells": [], "object": {"metadata": {}}}))
    assert names(model) == ["a"]
    assert list(model.events()["TYPE"]) == [LISTED, "BOOKMARK"]


def test_a_new_list_forgets_what_is_gone_and_knows_what_stayed():
    """What was deleted while nobody listened is not in it."""
    model = listed(row("a"), row("b"))
    model.hear(heard("MODIFIED", row("b")))
    model.hear(heard(LISTED, row("b"), row("c")))
    frame = model.frame(NOW)
    assert list(frame["NAME"]) == ["b", "c"]
    assert list(frame["LAST EVENT"]) == ["MODIFIED", ""]


def test_trouble_ends_with_the_next_connection():
    """And a refusal stays."""
    model = listed()
    model.hear(Event(BROKEN, {"message": "nobody answers"}, NOW))
    assert model.trouble == "nobody answers"
    model.hear(Event(RECONNECTED, {}, NOW))
    assert (model.trouble, model.refused) == ("", False)
    model.hear(Event(REFUSED, {"message": "403"}, NOW))
    assert (model.trouble, model.refused) == ("403", True)


def test_rows_are_found_by_name_and_label():
    """In any script, whatever the case."""
    model = listed(row("web-1", app="Shop"), row("db", 이름="창고"))
    assert [r.name for r in model.sorted("WEB")] == ["web-1"]
    assert [r.name for r in model.sorted("app=shop")] == ["web-1"]
    assert [r.name for r in model.sorted("창고")] == ["db"]
    assert model.sorted("nothing") == []


def test_the_last_event_can_come_first():
    """What was never heard of comes last, in the order of names."""
    model = listed(row("a"), row("b"), row("c"))
    model.hear(heard("MODIFIED", row("c")))
    assert [r.name for r in model.sorted(newest=True)] == ["c", "a", "b"]


def test_an_event_is_heard_of_one_object():
    """Another's does not count."""
    model = listed()
    model.hear(heard("DELETED", row("a")))
    assert model.has_heard("DELETED", "a")
    assert not model.has_heard("DELETED", "b")
    assert not model.has_heard("ADDED", "a")


def test_events_are_counted_by_the_second():
    """The last slot is now, and what is older than the span is out."""

    def at(back: float, kind: str = "ADDED") -> Heard:
        return Heard(kind, "a", NOW - timedelta(seconds=back))

    counts = seconds([at(9), at(2.5), at(0.5), at(0.1), at(0, "DELETED")], NOW, 3)
    assert counts == {"ADDED": [1, 0, 2], "DELETED": [0, 0, 1]}
