"""A check of verbs asks the server; one of a token looks at each part."""

import pytest

from helpers.caller import Caller
from helpers.checks.rbac_and_tokens import token_is, verbs_named
from helpers.command import kubectl
from helpers.tokens import create_token, tamper


def test_verbs_are_asked_of_the_server(namespace):
    """Right, wrong in the verb, wrong in the resource, and not there yet."""
    pods = f"/api/v1/namespaces/{namespace}/pods"
    stranger = Caller.bearer(create_token())
    one, every = f"GET {pods}/q/log", f"DELETE {pods}?labelSelector=a=b"
    right = {one: ("get", "pods/log"), every: ("deletecollection", "pods")}
    assert verbs_named(right, stranger) == ""
    assert verbs_named({**right, every: ("delete", "pods")}, stranger) == (
        f"{every}: predicted delete on pods, the server misses "
        "deletecollection on pods."
    )
    assert "misses get on pods/log" in verbs_named({one: ("get", "pods")}, stranger)
    none = {one: None}
    assert verbs_named(none, stranger) == f"There is no prediction yet for {one}."


TOKEN = {"audience": "vault", "lifetime": 900, "bound_to": "secret/lease"}
ASKED = {"audience": "vault", "duration": "15m", "bound_to": "secret/lease"}


@pytest.fixture(scope="module")
def lease(namespace):
    kubectl("create", "secret", "generic", "lease")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, ""),
        ({"audience": ["vault", "other"]}, "It is meant for vault, other, not for va"),
        ({"duration": "1h"}, "It lives 3600 s, not 900 s."),
        ({"bound_to": ""}, "It is bound to nothing, not to secret/lease."),
    ],
)
def test_each_part_of_a_token_is_looked_at(lease, change, says):
    diagnosis = token_is(create_token(**{**ASKED, **change}), **TOKEN)
    assert diagnosis.startswith(says) if says else diagnosis == ""


def test_the_server_has_to_believe_a_token(lease):
    """A forgery has the right claims, too."""
    forged = tamper(create_token(**{**ASKED, "duration": "1h"}), exp=0, iat=-900)
    assert token_is(forged, **TOKEN).startswith("The server refuses it: ")
