"""Each part of a token is looked at, and the server has to believe it."""

import pytest

from helpers import errors
from helpers.checks import tokens
from helpers.command import kubectl
from helpers.tokens import create_token, tamper

ASKED = {"audience": "vault", "duration": "15m", "bound_to": "secret/lease"}


@pytest.fixture(scope="module", autouse=True)
def lease(namespace):
    kubectl("create secret generic lease")


@pytest.fixture(autouse=True)
def bound_to_a_lease(monkeypatch):
    """Without a pod the test is quick; a Secret can end a token as well."""
    monkeypatch.setattr(tokens, "BOUND_TO", ASKED["bound_to"])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"audience": ["vault", "other"]}, "meant for vault, other, not for vault"),
        ({"duration": "1h"}, "lives for 3600 s, not 15 minutes"),
        ({"bound_to": ""}, "bound to nothing, not to secret/lease"),
    ],
)
def test_each_part_of_a_token_is_looked_at(change, says):
    with pytest.raises(errors.NotSolved, match=says):
        tokens.make_vault_token(create_token(**{**ASKED, **change}))


@pytest.mark.parametrize("nothing", [None, "", "eyJ"])
def test_nothing_is_no_token(nothing):
    with pytest.raises(errors.NotSolved, match="create_token"):
        tokens.make_vault_token(nothing)


def test_the_server_has_to_believe_a_token():
    """A forgery has the right claims, too."""
    forged = tamper(create_token(**{**ASKED, "duration": "1h"}), exp=0, iat=-900)
    with pytest.raises(errors.NotSolved, match="The API server refuses the token"):
        tokens.make_vault_token(forged)
