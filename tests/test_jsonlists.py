"""JSON is read for the wanted fields alone, whatever else an object holds."""

import json
from datetime import UTC, datetime

import pytest

from cluster import errors
from helpers import jsonlists
from helpers.columns import tree

FIRST = {
    "metadata": {"name": "a", "labels": {"from": "here", "a.b/c": ""}},
    "spec": {
        "list": [{"image": "x", "port": 80, "cpu": "100m"}, {"image": "y"}],
        "at": ["2026-11-25T09:00:00Z"],
        "empty": [],
        "none": None,
    },
}
SECOND = {"metadata": {"name": "b"}, "other": {"deep": [1, {"x": None}]}}


def read(columns, *items, **kinds):
    kinds = dict.fromkeys(columns, "any") | kinds
    plan = jsonlists.plan(tree(columns), kinds)
    body = {"kind": "ThingList", "metadata": {"continue": "t"}, "items": items}
    page = plan.page(json.dumps(body).encode())
    assert page.token == "t"
    return dict(plan.root.collect(page.items)), plan


@pytest.mark.parametrize(
    ("path", "values"),
    [
        (".metadata.name", ["a", "b"]),
        (".metadata.labels.from", ["here", None]),
        (r".metadata.labels.a\.b/c", ["", None]),
        (".metadata.labels", [{"from": "here", "a.b/c": ""}, None]),
        (".spec.list[1].image", ["y", None]),
        (".spec.list[-1].image", ["y", None]),
        (".spec.list[2].image", [None, None]),
        (".spec.list[*].image", [["x", "y"], None]),
        (".spec.list[*].port", [[80, None], None]),
        (".spec.empty", [None, None]),
        (".spec.empty[*]", [None, None]),
        (".spec.none", [None, None]),
        (".spec.nosuch.deeper", [None, None]),
    ],
)
def test_values(path, values):
    """What is not there is missing, and so is what is empty."""
    found, _ = read({"A": path}, FIRST, SECOND)
    assert found == {"A": values}


def test_a_part_and_the_whole():
    """One column may want a list of which another one wants a field."""
    columns = {
        "WHOLE": ".spec.list",
        "PART": ".spec.list[0].image",
        "N": ".metadata.name",
    }
    found, _ = read(columns, FIRST, SECOND)
    assert found["WHOLE"] == [FIRST["spec"]["list"], None]
    assert found["PART"] == ["x", None]
    assert found["N"] == ["a", "b"]


def test_what_the_schema_says_is_done():
    """Quantities become numbers, also in lists, and a list's moments are moments."""
    columns = {"CPU": ".spec.list[0].cpu", "ALL": ".spec.list[*].cpu"}
    columns |= {"PORTS": ".spec.list[*].port", "AT": ".spec.at[*]"}
    kinds = {"CPU": "quantity", "ALL": "quantity", "PORTS": "string", "AT": "time"}
    found, plan = read(columns, FIRST, **kinds)
    assert found == {
        "CPU": [0.1],
        "ALL": [[0.1, None]],
        "PORTS": [["80", None]],
        "AT": [[datetime(2026, 11, 25, 9, tzinfo=UTC)]],
    }
    assert plan.kinds == {"CPU": "quantity", "ALL": "object", "PORTS": "object"} | {
        "AT": "object"
    }
    assert plan.quantities == {"CPU", "ALL"}


def test_one_object():
    """An object that is no list is a list of one."""
    plan = jsonlists.plan(tree({"A": ".metadata.name"}), {"A": "any"})
    page = plan.page(json.dumps({"kind": "Thing", **FIRST}).encode())
    assert dict(plan.root.collect(page.items)) == {"A": ["a"]}
    assert page.token == ""


def test_a_value_where_fields_are_wanted():
    """Without a schema only the objects can tell."""
    with pytest.raises(errors.BadColumn):
        read({"A": ".metadata.name.first"}, FIRST)


def test_kind_of():
    """What an answer says of itself, and what one says that is no object of the API."""
    assert jsonlists.kind_of(b'{"kind": "A", "apiVersion": "b/v1"}') == ("b/v1", "A")
    assert jsonlists.kind_of(b'{"major": "1"}') == ("", "")
