"""Judge a credential that was not taken: what is wrong with it, as far as one can see.

A 401 says only "Unauthorized". The token itself and a TokenReview say the rest.
"""

import re
from datetime import datetime
from typing import NamedTuple

from cluster import errors
from helpers.reviews import Review
from helpers.tokens import Token

_FRESH = "Get a fresh one: read the token file again, or `kubectl create token`."


class Verdict(NamedTuple):
    """What is wrong with a credential, and what to do."""

    cause: str
    why: str
    way_out: str


#: nothing was sent, and the server lets no strangers in
NONE = Verdict(
    "no credential",
    "The request carried no credential, and this API server takes no anonymous ones.",
    "Send `Authorization: Bearer TOKEN`.",
)

#: nothing is known of what was sent
UNSEEN = Verdict(
    "unknown",
    "The server does not say more. What was sent may be nothing at all, no token, or "
    "one that is expired, revoked, meant for another audience or of another cluster.",
    "Give the token, and it will be looked at: explain(error, token=TOKEN).",
)


def judge(token: Token, review: Review | None, now: datetime) -> Verdict:
    """Say why a token was answered with 401; pure.

    `review` is what the API server said of it, None if it could not be asked: then
    only what stands in the token is judged.
    """
    try:
        token.claims()
    except errors.NotAToken as error:
        return Verdict(
            "not a token",
            f"What was sent is no JWT, three parts with dots between: {error.reason}.",
            "Send what stands in the token file, and nothing else.",
        )
    if review is None:
        return _by_eye(token, now)
    if review.authenticated:
        return Verdict(
            "unknown",
            "The API server does take this token, so the request sent something else.",
            "Look at the header: `Authorization: Bearer TOKEN`.",
        )
    for sign, verdict in _SIGNS:
        if re.search(sign, review.error):
            return verdict(token, review.error, now)
    return Verdict(
        "unknown issuer",
        "This API server does not know who issued it: `iss` is "
        f"{token.claims().get('iss', 'not in it')}.",
        "Take a token of this cluster.",
    )


def _by_eye(token: Token, now: datetime) -> Verdict:
    if token.expires and token.expires < now:
        return _expired(token, "", now)
    if token.claims().get("iss", "") not in token.audiences:
        return _audience(token, "", now)
    return Verdict(
        "unknown",
        "In the token itself nothing is wrong; the server could not be asked.",
        "Run `connect()`, then explain it again.",
    )


def _expired(token: Token, said: str, now: datetime) -> Verdict:
    late = _span((now - token.expires).total_seconds())
    why = f"Its `exp` was {token.expires:%Y-%m-%d %H:%M:%S} UTC, {late} ago."
    return Verdict("expired", why, _FRESH)


def _early(token: Token, said: str, now: datetime) -> Verdict:
    why = "Its `nbf` or `iat` is in the future."
    return Verdict("not valid yet", why, "Set the clock of this machine right.")


def _audience(token: Token, said: str, now: datetime) -> Verdict:
    wanted = re.search(r"target audiences \[(.*?)\]", said)
    target = wanted[1].replace('"', "") if wanted else "this API server, it seems"
    why = f"It is meant for {', '.join(token.audiences) or 'nobody'}, not for {target}."
    return Verdict("wrong audience", why, "Ask for a token without `--audience`.")


def _revoked(token: Token, said: str, now: datetime) -> Verdict:
    reason = said.strip("[]").rpartition(", ")[2]
    bound = f" It was bound to {token.bound_to}." if token.bound_to else ""
    why = f"What it stands for is gone: {reason}.{bound}"
    return Verdict("revoked", why, _FRESH)


def _signature(token: Token, said: str, now: datetime) -> Verdict:
    why = "The signature does not fit: the token was changed, or another key signed it."
    return Verdict("bad signature", why, _FRESH)


#: what TokenReview says, and who can tell more about it
_SIGNS = (
    ("has expired", _expired),
    ("not valid yet|in the future", _early),
    ("audiences", _audience),
    ("invalidated|not found|UID .* does not match|has been deleted", _revoked),
    ("cryptographic", _signature),
)


def _span(seconds: float) -> str:
    hours, minutes = divmod(int(seconds) // 60, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds:.0f} s"
