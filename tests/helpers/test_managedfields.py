"""Who owns a field is read from what the server keeps, and told as in a conflict."""

import json

from helpers.command import kubectl
from helpers.managedfields import field_owners, owners_by_field


def entry(manager, fields):
    return {"manager": manager, "operation": "Apply", "fieldsV1": fields}


def obj(*entries):
    return {"metadata": {"managedFields": list(entries)}}


ONE = {"f:data": {".": {}, "f:color": {}, "f:size": {}}}
TWO = {"f:data": {"f:color": {}}, "f:metadata": {"f:labels": {".": {}, "f:a/b": {}}}}
LIST = {"f:spec": {"f:containers": {'k:{"name":"main"}': {".": {}, "f:image": {}}}}}


def test_each_field_has_its_owners():
    """Leaves only; a map around a key is not a field of its own."""
    assert owners_by_field(obj(entry("one", ONE), entry("two", TWO))) == {
        ".data.color": {"one", "two"},
        ".data.size": {"one"},
        ".metadata.labels.a/b": {"two"},
    }


def test_items_of_a_list_are_named_by_their_key():
    """As the server names them in a conflict."""
    owners = owners_by_field(obj(entry("one", LIST)))
    assert owners == {'.spec.containers[{"name":"main"}].image': {"one"}}


def test_a_map_that_is_owned_empty_is_a_field():
    """`data: {}` is owned, although nothing is in it."""
    assert owners_by_field(obj(entry("one", {"f:data": {}}))) == {".data": {"one"}}


def test_one_manager_may_have_two_entries():
    """By applying and by updating, or at a subresource."""
    twice = obj(entry("one", ONE), entry("one", TWO))
    assert owners_by_field(twice)[".data.color"] == {"one"}


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


def test_the_fields_are_those_of_a_conflict(namespace):
    """The server's own words, so that a learner finds the row of a message."""
    for manager, color in (("one", "red"), ("two", "blue")):
        body = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"color": color}}
        body["metadata"] = {"name": "m"}
        apply = ("apply", "--server-side", f"--field-manager={manager}", "-f", "-")
        done = kubectl(*apply, input=json.dumps(body), check=False)
    found = kubectl("get", "configmap/m", "-o=json", "--show-managed-fields").json()
    assert done.exit_code and ".data.color" in done.stderr
    assert owners_by_field(found) == {".data.color": {"one"}}
