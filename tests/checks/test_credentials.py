"""A check of a token says which part is not as it was asked for."""

import pytest

from helpers.checks import token_is
from helpers.command import kubectl
from helpers.tokens import create_token, tamper

WANTED = {"audience": "vault", "lifetime": 900, "bound_to": "secret/lease"}
ASKED = {"audience": "vault", "duration": "15m", "bound_to": "secret/lease"}


@pytest.fixture(scope="module")
def namespace(namespace):
    kubectl("create", "secret", "generic", "lease")
    return namespace


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, ""),
        ({"audience": ["vault", "other"]}, "It is meant for vault, other, not for va"),
        ({"duration": "1h"}, "It lives 3600 s, not 900 s."),
        ({"bound_to": ""}, "It is bound to nothing, not to secret/lease."),
    ],
)
def test_each_part_is_looked_at(namespace, change, says):
    diagnosis = token_is(create_token(**{**ASKED, **change}), **WANTED)
    assert diagnosis.startswith(says) if says else diagnosis == ""


def test_the_server_has_to_believe_it(namespace):
    """A forgery has the right claims, too."""
    forged = tamper(create_token(**{**ASKED, "duration": "1h"}), exp=0, iat=-900)
    assert token_is(forged, **WANTED).startswith("The server refuses it: ")
