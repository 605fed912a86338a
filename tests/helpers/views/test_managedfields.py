"""Owners of a field are read from `managedFields`, and named as in a conflict.

Lesson 22 has both from a real server.
"""

import pytest

from helpers.views.managedfields import field_owners, owners_by_field


def entry(manager, fields):
    return {"manager": manager, "operation": "Apply", "fieldsV1": fields}


def obj(*entries):
    return {"metadata": {"managedFields": list(entries)}}


ONE = {"f:data": {".": {}, "f:color": {}, "f:size": {}}}
TWO = {"f:data": {"f:color": {}}, "f:metadata": {"f:labels": {".": {}, "f:a/b": {}}}}
LIST = {"f:spec": {"f:containers": {'k:{"name":"main"}': {".": {}, "f:image": {}}}}}


def test_each_field_has_its_owners():
    """Leaves only; a map around a key is not a field of its own."""
    # A manager may have two entries: by applying and by updating.
    again = entry("one", {"f:data": {"f:size": {}}})
    assert owners_by_field(obj(entry("one", ONE), entry("two", TWO), again)) == {
        ".data.color": {"one", "two"},
        ".data.size": {"one"},
        ".metadata.labels.a/b": {"two"},
    }


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        # Items of a list are named by their key, as the server names them.
        (LIST, '.spec.containers[{"name":"main"}].image'),
        # `data: {}` is owned, although nothing is in it.
        ({"f:data": {}}, ".data"),
    ],
)
def test_a_field_is_named_as_in_a_conflict(fields, field):
    assert owners_by_field(obj(entry("one", fields))) == {field: {"one"}}


def test_an_object_without_the_record_has_no_owners():
    """kubectl hides it; that is no error."""
    assert owners_by_field({"metadata": {}}) == {}
    assert field_owners({"metadata": {}}).empty


def test_the_table_is_sorted_and_says_it_in_words():
    """A row per field, a column per manager."""
    table = field_owners(obj(entry("two", TWO), entry("one", ONE)))
    assert list(table.columns) == ["one", "two"]
    assert list(table.index) == sorted(table.index)
    assert table.loc[".data.size"].to_dict() == {"one": "owns", "two": ""}
