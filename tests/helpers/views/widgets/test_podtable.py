"""The table has the rows that a list would have, whatever events came before."""

from datetime import UTC, datetime, timedelta

import pytest

from helpers.api.watch import BROKEN, LISTED, RECONNECTED, REFUSED, Event
from helpers.views.widgets.podtable import Table, age, human_duration, reduce

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
        "labels": labels,
        "creationTimestamp": "2026-11-25T11:59:00Z",
    }
    return {"cells": [name, status, "1s", "10.0.0.1"], "object": {"metadata": metadata}}


def table(*rows: dict, token: str = "", definitions=DEFINITIONS) -> dict:
    metadata = {"continue": token} if token else {}
    return {"rows": rows, "columnDefinitions": definitions, "metadata": metadata}


def event(kind: str, *rows: dict, first: bool = False, **more) -> Event:
    return Event(kind, table(*rows, **more), NOW, first)


def after(*events: Event, model: Table | None = None) -> Table:
    model = model or Table()
    for each in events:
        model = reduce(model, each)
    return model


def listed(*rows: dict) -> Table:
    return after(event(LISTED, *rows))


def names(model: Table) -> list[str]:
    return list(model.frame(NOW)["NAME"])


def test_nothing_is_a_table_without_rows():
    """An empty namespace has columns all the same."""
    model = listed()
    assert names(model) == []
    columns = ["NAME", "STATUS", "AGE", "LAST EVENT", "AGO"]
    assert list(model.frame(NOW)) == columns


def test_half_a_list_leaves_no_ghosts():
    """A list that broke off begins again; pods of its first half may be gone by now."""
    model = after(
        event(LISTED, row("ghost"), token="more", first=True),
        Event(BROKEN, {"message": "cut off"}, NOW),
        event(LISTED, row("a"), token="more", first=True),
        event(LISTED, row("b")),
    )
    assert names(model) == ["a", "b"]


def test_a_list_shows_when_its_last_page_is_there():
    """Half a list looks like many objects that were deleted."""
    half = after(event(LISTED, row("a"), token="more"), model=listed(row("old")))
    assert names(half) == ["old"]
    assert names(after(event(LISTED, row("b")), model=half)) == ["a", "b"]


def test_events_make_change_and_remove_rows():
    """A watch sends its columns in the first event alone; a bookmark is no row."""
    model = after(
        event("ADDED", row("b", "Pending"), definitions=None),
        event("MODIFIED", row("b", "Running"), definitions=None),
        event("BOOKMARK", {"cells": [], "object": {"metadata": {}}}),
        event("DELETED", row("a"), definitions=None),
        model=listed(row("a")),
    )
    frame = model.frame(NOW + timedelta(seconds=3))
    assert frame.values.tolist() == [
        ["b", "Running", "63s", "MODIFIED", timedelta(seconds=3)]
    ]
    types = [LISTED, "ADDED", "MODIFIED", "BOOKMARK", "DELETED"]
    assert list(model.events()["TYPE"]) == types
    assert model.has_event("DELETED", "a")
    assert not (model.has_event("DELETED", "b") or model.has_event("ADDED", "a"))


def test_a_new_list_forgets_what_is_gone_and_knows_what_stayed():
    """A pod deleted while nobody watched is not in the new list."""
    model = after(
        event("MODIFIED", row("b")),
        event(LISTED, row("b"), row("c")),
        model=listed(row("a"), row("b")),
    )
    frame = model.frame(NOW)
    assert list(frame["NAME"]) == ["b", "c"]
    assert list(frame["LAST EVENT"]) == ["MODIFIED", ""]


def test_trouble_ends_with_the_next_connection():
    """And a refusal stays."""
    broken = after(Event(BROKEN, {"message": "nobody answers"}, NOW), model=listed())
    assert broken.trouble == "nobody answers"
    back = after(Event(RECONNECTED, {}, NOW), model=broken)
    assert (back.trouble, back.refused) == ("", False)
    refused = after(Event(REFUSED, {"message": "403"}, NOW), model=back)
    assert (refused.trouble, refused.refused) == ("403", True)


def test_rows_are_found_by_name_and_label():
    """In any script, whatever the case."""
    model = listed(row("web-1", app="Shop"), row("db", 이름="창고"))
    found = {
        wanted: [row.name for row in model.matching(wanted)]
        for wanted in ("WEB", "app=shop", "창고", "nothing")
    }
    assert found == {"WEB": ["web-1"], "app=shop": ["web-1"], "창고": ["db"]} | {
        "nothing": []
    }


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (192, "3m12s"),
        (599, "9m59s"),
        (600, "10m"),
        (10799, "179m"),
        (10800, "3h"),
        (14520, "4h2m"),
        (28800, "8h"),
        (172799, "47h"),
        (172800, "2d"),
        (180000, "2d2h"),
        (691200, "8d"),
        (2 * 365 * 86400, "2y"),
        (2 * 365 * 86400 + 86400, "2y1d"),
        (9 * 365 * 86400, "9y"),
    ],
)
def test_a_span_is_as_coarse_as_kubectl_shows_it(seconds, text):
    """The steps are those of duration.HumanDuration, tested at both sides of each."""
    assert human_duration(timedelta(seconds=seconds)) == text


def test_an_age_counts_from_the_creation():
    """Without a time there is none."""
    now = datetime(2026, 11, 25, 12, 0, 5, tzinfo=UTC)
    assert age("2026-11-25T12:00:00Z", now) == "5s"
    assert age("", now) == ""
