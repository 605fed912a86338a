"""A token says what stands in it, shows nothing of itself, and can be checked."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from cluster.kind.backend import Kind
from helpers import errors
from helpers.api.tokens import Token, backdate, tamper

CLAIMS = {
    "aud": ["https://issuer.example"],
    "exp": 1_800_003_607,
    "iat": 1_800_000_000,
    "nbf": 1_800_000_000,
    "iss": "https://issuer.example",
    "jti": "0a1b2c3d-0000-4000-8000-000000000000",
    "kubernetes.io": {
        "namespace": "home",
        "node": {"name": "node-1", "uid": "3"},
        "pod": {"name": "client", "uid": "2"},
        "serviceaccount": {"name": "reader", "uid": "1"},
    },
    "sub": "system:serviceaccount:home:reader",
}
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def sign(key=RSA, algorithm="RS256", kid="one", **claims):
    changed = {**CLAIMS, **claims}
    return Token(jwt.encode(changed, key, algorithm, headers={"kid": kid}))


def own(**entries):
    return {"kubernetes.io": {**CLAIMS["kubernetes.io"], **entries}}


def test_a_token_tells_its_claims():
    token = sign()
    assert token.claims() == CLAIMS
    assert token.header == {"alg": "RS256", "kid": "one", "typ": "JWT"}
    assert token.subject == "system:serviceaccount:home:reader"
    assert (token.lifetime, token.bound_to) == (3607, "pod/client")
    assert token.expires == datetime(2027, 1, 15, 9, 0, 7, tzinfo=UTC)
    assert token.audiences == ["https://issuer.example"]
    assert sign(aud="one alone").audiences == ["one alone"]


def test_a_token_masks_itself():
    """Notebooks, tracebacks and `--showlocals` print the repr, f-strings the str."""
    token = sign()
    expected = (
        "<token of system:serviceaccount:home:reader, 3607 s, bound to pod/client, "
        "id 0a1b2c3d>"
    )
    assert [repr(token), str(token), f"{token}"] == [expected] * 3
    parts = token.text.split(".")
    assert not any(part in repr([token, {"t": token}]) for part in parts)
    assert repr(Token("not a token at all")) == "<no JWT, 18 characters>"


@pytest.mark.parametrize("text", ["", "garbage", "a.b.c", "eyJhbGciOiJIUzI1NiJ9"])
def test_what_is_no_token_says_so_without_showing_it(text):
    """The text is not shown: it may be half a secret."""
    with pytest.raises(errors.NotAToken) as caught:
        Token(text).claims()
    assert caught.value.reason
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize(
    ("claims", "bound_to"),
    [
        ({}, "pod/client"),
        ({"kubernetes.io": {"secret": {"name": "lease"}}}, "secret/lease"),
        ({"kubernetes.io": {"node": {"name": "node-1"}}}, "node/node-1"),
        ({"kubernetes.io": {"namespace": "home"}}, ""),
    ],
)
def test_what_a_token_dies_with(claims, bound_to):
    """A pod's token names its node, too, but dies with the pod."""
    assert sign(**claims).bound_to == bound_to


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({}, "It lives 3607 s, as the kubelet requested"),
        (
            {
                "exp": CLAIMS["iat"] + 31_536_000,
                **own(warnafter=CLAIMS["iat"] + 3607),
            },
            "It lives 31536000 s although 3607 s were requested",
        ),
        ({"exp": CLAIMS["iat"] + 86_400}, "as this API server allows at most"),
    ],
)
def test_the_lifetime_is_explained_in_either_case(claims, says):
    """A usual API server extends to a year, ours does not, a vendor's caps."""
    assert says in sign(**claims).lifetime_explained()


@pytest.mark.parametrize(
    ("life", "warnafter", "renewal"),
    [
        (600, None, 480),
        # However long it lives: after a day.
        (30 * 86400, None, 86400),
        # The kubelet knows of the hour that it asked for, `exp` says a year.
        (31_536_000, 3607, 2885.6),
    ],
)
def test_a_token_is_renewed_after_four_fifths_or_a_day(life, warnafter, renewal):
    start = CLAIMS["iat"]
    more = own(warnafter=start + warnafter) if warnafter else {}
    times = sign(exp=start + life, **more).times
    assert times.issued == datetime.fromtimestamp(start, UTC)
    assert times.renewal - times.issued == timedelta(seconds=renewal)
    assert times.expires - times.issued == timedelta(seconds=life)


def test_a_token_without_end_is_one():
    claims = {name: CLAIMS[name] for name in CLAIMS if name != "exp"}
    token = Token(jwt.encode(claims, RSA, "RS256"))
    assert (token.lifetime, token.expires) == (None, None)
    assert token.times[1:] == (None, None)
    assert "without end" in repr(token)
    assert "no `exp`" in token.lifetime_explained()


def test_a_forgery_keeps_header_and_signature():
    token = sign()
    forged = tamper(token, sub="somebody else", jti="new")
    old, new = token.text.split("."), forged.text.split(".")
    assert (new[0], new[2]) == (old[0], old[2]) and new[1] != old[1]
    assert forged.claims() == {**CLAIMS, "sub": "somebody else", "jti": "new"}


def test_a_cluster_that_keeps_its_key_backdates_nothing():
    """A single line says so, with the backend."""
    with pytest.raises(errors.NoSigningKey) as caught:
        backdate(Kind(), sign(), expired_for=60)
    assert caught.value.backend == "kind"
