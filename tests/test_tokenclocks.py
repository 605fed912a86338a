"""When a token expires and is renewed, and which tokens a file held."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest

from cluster import errors
from helpers import tokenclocks
from helpers.followers import BROKEN, FILE, NO_FILE, Seen
from helpers.tokenclocks import COLUMNS, Times, TokenClock
from helpers.tokens import Token

START = 1_800_000_000
NOW = datetime.fromtimestamp(START, UTC)
KEY = "a key of this test and of nothing else, long enough"


def token(**claims) -> Token:
    claims = {"iat": START, "exp": START + 3607, "jti": "one", "sub": "s", **claims}
    claims = {name: value for name, value in claims.items() if value is not None}
    return Token(jwt.encode(claims, KEY))


def seen(what: Token | str, kind=FILE, after=0) -> Seen:
    text = what if isinstance(what, str) else what.text
    return Seen(kind, text, NOW + timedelta(seconds=after))


@pytest.mark.parametrize(
    ("life", "renewal"),
    [
        (600, 480),
        (3607, 2885.6),
        # However long it lives: after a day.
        (30 * 86400, 86400),
    ],
)
def test_it_is_renewed_after_four_fifths_or_a_day(life, renewal):
    times = Times.read(token(exp=START + life))
    assert times.issued == NOW
    assert times.renewal == NOW + timedelta(seconds=renewal)
    assert times.expires == NOW + timedelta(seconds=life)


def test_an_extended_token_is_renewed_as_it_was_asked_for():
    """The kubelet knows of an hour, `exp` says a year."""
    long = token(exp=START + 31536000, **{"kubernetes.io": {"warnafter": START + 3607}})
    times = Times.read(long)
    assert times.renewal == NOW + timedelta(seconds=0.8 * 3607)
    assert times.expires == NOW + timedelta(seconds=31536000)


def test_a_token_without_end():
    times = Times.read(token(exp=None))
    assert (times.renewal, times.expires) == (None, None)
    assert "never" in dict(tokenclocks.hands(times, NOW))["expires"]


def test_a_token_without_a_beginning_is_none_of_ours():
    with pytest.raises(errors.NotAToken, match="iat"):
        Times.read(token(iat=None))


def test_the_hands_run():
    times = Times.read(token(exp=START + 600))
    renewal, expiry = tokenclocks.hands(times, NOW + timedelta(seconds=500))
    assert renewal[1].startswith("20 s ago") and expiry[1].startswith("in 100 s")


DIRECTORY = "/var/run/secrets/kubernetes.io/serviceaccount"


def pod(*mounts, annotations=None, **volume) -> dict:
    source = {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}}
    given = {"projected": {"sources": [{"configMap": {"name": "ca"}}, source]}}
    other = {"name": "main", "volumeMounts": [{"name": "x", "mountPath": "/x"}]}
    return {
        "metadata": {"name": "p", "annotations": annotations},
        "spec": {
            "containers": [other, {"name": "app", "volumeMounts": list(mounts)}],
            "volumes": [
                {"name": "x", "emptyDir": {}},
                {"name": "t"} | (volume or given),
            ],
        },
    }


MOUNT = {"name": "t", "mountPath": DIRECTORY}


@pytest.mark.parametrize(
    ("made", "path", "container", "kept"),
    [
        (pod(MOUNT), f"{DIRECTORY}/token", "app", True),
        # The same directory, by its other name; and a path with more slashes.
        (pod(MOUNT), f"{DIRECTORY}//token".removeprefix("/var"), "app", True),
        (pod(MOUNT), f"{DIRECTORY}/ca.crt", "app", False),
        (pod(MOUNT), f"{DIRECTORY}/token", "main", False),
        # Without a name: as kubectl chooses.
        (pod(MOUNT), f"{DIRECTORY}/token", "", False),
        (
            pod(MOUNT, annotations={"kubectl.kubernetes.io/default-container": "app"}),
            f"{DIRECTORY}/token",
            "",
            True,
        ),
        (pod(MOUNT | {"subPath": "token"}), f"{DIRECTORY}/token", "app", False),
        (pod(MOUNT, emptyDir={}), f"{DIRECTORY}/token", "app", False),
        (pod(), f"{DIRECTORY}/token", "app", False),
    ],
)
def test_whether_the_kubelet_keeps_the_file(made, path, container, kept):
    assert tokenclocks.projected(made, path, container) is kept


def test_what_is_said_of_the_kubelet_is_known():
    """A file that somebody else wrote is renewed by nobody here."""
    times = Times.read(token())
    [kept, other, unknown] = [
        tokenclocks.hands(times, NOW, kept=kept)[0][0] for kept in (True, False, None)
    ]
    assert kept == "the kubelet asks for the next"
    assert other == unknown == "a kubelet would ask for the next"
    assert "swaps the file" in tokenclocks.who_renews(True)
    assert "no kubelet renews it" in tokenclocks.who_renews(False)
    assert tokenclocks.who_renews(None) == ""


def test_the_same_token_again_is_no_rotation():
    """A follower that was cut off tells again what it saw."""
    clock = TokenClock()
    for what in (token(), token(), token(jti="two")):
        clock.see(seen(what))
    frame = clock.frame()
    assert list(frame) == COLUMNS
    assert frame["JTI"].tolist() == ["one", "two"]
    assert clock.has_held("two") and not clock.has_held("three")


@pytest.mark.parametrize(
    ("event", "reached"),
    [
        (Seen(NO_FILE, "cat: no such file", NOW), True),
        (Seen(BROKEN, "pods not found", NOW), False),
        (seen("rubbish"), True),
        (seen(""), True),
    ],
)
def test_trouble_is_told_until_a_token_is_there(event, reached):
    clock = TokenClock()
    clock.see(event)
    assert clock.trouble and clock.reached == reached and clock.frame().empty
    clock.see(seen(token()))
    assert (clock.trouble, clock.reached) == ("", True)


def test_claims_as_rows_and_nothing_secret():
    one = token(aud=["a", "b"], **{"kubernetes.io": {"pod": {"name": "p", "uid": "3"}}})
    rows = {name: (value, meaning) for name, value, meaning in _rows(one)}
    assert rows["aud"] == ("a, b", "")
    assert rows["exp"] == (str(START + 3607), "2027-01-15 09:00:07 UTC")
    assert rows["kubernetes.io: pod"] == ("name p, uid 3", "")
    clock = TokenClock()
    clock.see(seen(one))
    for shown in (str(rows), repr(clock), clock.frame().to_string()):
        assert one.text not in shown and one.text.split(".")[2] not in shown


def _rows(one):
    return tokenclocks.claim_rows(one)
