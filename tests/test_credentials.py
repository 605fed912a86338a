"""A token that was not taken is judged by what stands in it and what the server says.

The sentences are those of kube-apiserver 1.37; test_access.py asks a real one.
"""

from datetime import UTC, datetime

import pytest

from helpers import credentials
from helpers.reviews import Review
from helpers.tokens import Token
from tests.test_tokens import CLAIMS, sign

NOW = datetime.fromtimestamp(CLAIMS["iat"] + 60, UTC)
LATER = datetime.fromtimestamp(CLAIMS["exp"] + 2 * 3600 + 300, UTC)
TARGET = CLAIMS["iss"]


def refused(error):
    return Review(False, error=f"[invalid bearer token, {error}]")


@pytest.mark.parametrize(
    ("token", "review", "now", "cause", "says"),
    [
        (Token("garbage"), None, NOW, "not a token", "no JWT"),
        (Token("garbage"), refused("x"), NOW, "not a token", "no JWT"),
        (
            sign(),
            refused("service account token has expired"),
            LATER,
            "expired",
            "Its `exp` was 2027-01-15 09:00:07 UTC, 2 h 5 min ago.",
        ),
        (
            sign(aud=["vault"]),
            refused(
                'token audiences ["vault"] is invalid for the target audiences '
                f'["{TARGET}"]'
            ),
            NOW,
            "wrong audience",
            f"It is meant for vault, not for {TARGET}.",
        ),
        (
            sign(),
            refused("service account token is not valid yet"),
            NOW,
            "not valid yet",
            "in the future",
        ),
        (
            sign(),
            refused("service account token has been invalidated"),
            NOW,
            "revoked",
            "service account token has been invalidated. It was bound to pod/client.",
        ),
        (
            sign(),
            refused('serviceaccounts "reader" not found'),
            NOW,
            "revoked",
            'serviceaccounts "reader" not found',
        ),
        (
            sign(),
            refused("pod UID (1) does not match service account pod ref claim (2)"),
            NOW,
            "revoked",
            "does not match",
        ),
        (
            sign(),
            refused("service account UID (1) does not match claim (2)"),
            NOW,
            "revoked",
            "does not match",
        ),
        (
            sign(),
            refused("go-jose/go-jose: error in cryptographic primitive"),
            NOW,
            "bad signature",
            "does not fit",
        ),
        (
            sign(iss="https://another"),
            Review(False, error="invalid bearer token"),
            NOW,
            "unknown issuer",
            "https://another",
        ),
        (sign(), Review(True, user="x"), NOW, "unknown", "does take this token"),
    ],
)
def test_the_servers_reason_is_told(token, review, now, cause, says):
    verdict = credentials.judge(token, review, now)
    assert verdict.cause == cause and says in verdict.why and verdict.way_out
    assert token.text not in verdict.why


@pytest.mark.parametrize(
    ("token", "now", "cause"),
    [
        (sign(), LATER, "expired"),
        (sign(aud=["vault"]), NOW, "wrong audience"),
        (sign(), NOW, "unknown"),
    ],
)
def test_without_the_server_the_token_itself_tells(token, now, cause):
    """Who may not create a TokenReview still learns what stands in the claims."""
    assert credentials.judge(token, None, now).cause == cause


@pytest.mark.parametrize(
    ("seconds", "words"), [(5, "5 s ago"), (90, "1 min ago"), (3_700, "1 h 1 min ago")]
)
def test_how_late_is_said_as_people_do(seconds, words):
    now = datetime.fromtimestamp(CLAIMS["exp"] + seconds, UTC)
    assert words in credentials.judge(sign(), None, now).why
