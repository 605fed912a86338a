"""What a check of owners says: a field lost, one kept, one that somebody else has."""

import json

import pytest

from helpers.checks import owned_by
from helpers.checks.client_library import wrong_owner
from helpers.command import kubectl


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
        ({"one": ["size"], "two": ["size"]}, ".data.color is gone: the last one who"),
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


def test_the_server_is_asked(namespace):
    """With the fields that kubectl hides; what is not there is told."""
    assert "not found" in owned_by("configmap/m", WANTED)
    body = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"color": "red"}}
    body["metadata"] = {"name": "m"}
    apply = ("apply", "--server-side", "--field-manager=one", "-f", "-")
    kubectl(*apply, input=json.dumps(body))
    assert owned_by("configmap/m", {".data.color": ["one"]}) == ""
    assert "not owned by two" in owned_by("configmap/m", {".data.color": ["two"]})
