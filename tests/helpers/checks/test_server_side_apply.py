"""What a check of owners says: a field lost, one kept, one that somebody else has."""

import json

import pytest

from helpers.checks.server_side_apply import give_up_fields, wrong_owner
from helpers.command import kubectl
from helpers.errors import NotSolved


def obj(**managers):
    entries = [
        {"manager": name, "fieldsV1": {"f:data": {f"f:{key}": {} for key in keys}}}
        for name, keys in managers.items()
    ]
    return {"metadata": {"managedFields": entries}}


WANTED = {".data.color": ["one"], ".data.size": ["one", "two"]}


@pytest.mark.parametrize(
    ("managers", "said"),
    [
        ({"one": ["color", "size"], "two": ["size"]}, ""),
        ({"one": ["size"], "two": ["size"]}, ".data.color is gone: its last owner"),
        (
            {"one": ["color", "size"], "two": ["size", "color"]},
            ".data.color is still owned by two: a manager gives a field up by",
        ),
        (
            {"one": ["color", "size"], "two": ["size", "shape"]},
            ".data.shape is still there, for two: a manager gives a field up",
        ),
    ],
)
def test_what_is_wrong_with_the_owners(managers, said):
    """The first field that is not as it should be, and how that comes."""
    diagnosis = wrong_owner(obj(**managers), WANTED, [".data.shape"])
    assert said in diagnosis and bool(said) == bool(diagnosis)
    assert len(diagnosis.splitlines()) <= 1


def apply(manager, **data):
    body = {"apiVersion": "v1", "kind": "ConfigMap", "data": data}
    body["metadata"] = {"name": "settings"}
    line = f"apply --server-side --force-conflicts --field-manager={manager} -f -"
    kubectl(line, input=json.dumps(body))


def test_the_server_is_asked(namespace):
    """With the fields that kubectl hides; what is not there is told."""
    with pytest.raises(NotSolved, match="not found"):
        give_up_fields()
    apply("one", color="red", size="small")
    with pytest.raises(NotSolved, match="size is not owned by two, but by one"):
        give_up_fields()
    apply("two", size="small")
    with pytest.raises(NotSolved, match="color is 'red', not 'blue'"):
        give_up_fields()
