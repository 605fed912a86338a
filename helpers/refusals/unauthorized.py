"""Diagnose a 401: what is wrong with the credential that was sent, if any.

A 401 says only "Unauthorized". The token itself and a TokenReview say the rest. Pure.
"""

import re
from datetime import datetime

from helpers import errors
from helpers.refusals.status import DeniedRequest, Diagnosis
from helpers.reviews import Review
from helpers.tokens import Token

_FRESH = "Get a fresh one: read the token file again, or `kubectl create token`."
_NOTHING_SENT = Diagnosis(
    "no credential",
    "The request carried no credential, and this API server accepts no anonymous ones.",
    "Send `Authorization: Bearer TOKEN`.",
)
_UNSEEN = Diagnosis(
    "unknown",
    "The server does not say more. What was sent may be nothing at all, no token, or "
    "one that is expired, revoked, meant for another audience or of another cluster.",
    "Give the token, and it will be looked at: explain(error, token=TOKEN).",
)
_REVOKED = "invalidated|not found|UID .* does not match|has been deleted"


def without_token(denied: DeniedRequest) -> Diagnosis:
    """Return what the command line alone tells: it may be a curl without credential."""
    command = " ".join(denied.words)
    carries = r"Authorization|--cert\b|--key\b|-E\b|-K\b|--config\b|--oauth2-bearer"
    is_bare = re.search(r"\bcurl\b", command) and not re.search(carries, command)
    return _NOTHING_SENT if is_bare else _UNSEEN


def diagnose(token: Token, review: Review | None, now: datetime) -> Diagnosis:
    """Return why the API server answered a token with 401.

    `review` is the server's TokenReview, None if the server could not be asked: then
    only the claims of the token count.
    """
    try:
        claims = token.claims()
    except errors.NotAToken as error:
        return Diagnosis(
            "not a token",
            f"What was sent is no JWT, three parts with dots between: {error.reason}.",
            "Send what is in the token file, and nothing else.",
        )
    if review is None:
        return _by_claims(token, now)
    if review.authenticated:
        return Diagnosis(
            "unknown",
            "The API server accepts this token, so the request sent something else.",
            "Look at the header: `Authorization: Bearer TOKEN`.",
        )
    return _by_review(token, review.error, now) or Diagnosis(
        "unknown issuer",
        "This API server does not know who issued it: `iss` is "
        f"{claims.get('iss', 'not in it')}.",
        "Take a token of this cluster.",
    )


def _by_claims(token: Token, now: datetime) -> Diagnosis:
    if token.expires and token.expires < now:
        return _expired(token.expires, now)
    if token.claims().get("iss", "") not in token.audiences:
        return _wrong_audience(token, "this API server, it seems")
    return Diagnosis(
        "unknown",
        "In the token itself nothing is wrong; the server could not be asked.",
        "Run `connect()`, then explain it again.",
    )


def _by_review(token: Token, error: str, now: datetime) -> Diagnosis | None:
    if token.expires and "has expired" in error:
        return _expired(token.expires, now)
    if re.search("not valid yet|in the future", error):
        why = "Its `nbf` or `iat` is in the future."
        return Diagnosis("not valid yet", why, "Correct the clock of this machine.")
    if "audiences" in error:
        wanted = re.search(r"target audiences \[(.*?)\]", error)
        target = wanted[1].replace('"', "") if wanted else "this API server"
        return _wrong_audience(token, target)
    if re.search(_REVOKED, error):
        reason = error.strip("[]").rpartition(", ")[2]
        bound = f" It was bound to {token.bound_to}." if token.bound_to else ""
        return Diagnosis(
            "revoked", f"What it belongs to is gone: {reason}.{bound}", _FRESH
        )
    if "cryptographic" in error:
        why = (
            "The signature does not match: the token was changed, or another key "
            "signed it."
        )
        return Diagnosis("bad signature", why, _FRESH)
    return None


def _expired(end: datetime, now: datetime) -> Diagnosis:
    late = _duration((now - end).total_seconds())
    why = f"Its `exp` was {end:%Y-%m-%d %H:%M:%S} UTC, {late} ago."
    return Diagnosis("expired", why, _FRESH)


def _wrong_audience(token: Token, target: str) -> Diagnosis:
    why = f"It is meant for {', '.join(token.audiences) or 'no one'}, not for {target}."
    return Diagnosis("wrong audience", why, "Ask for a token without `--audience`.")


def _duration(seconds: float) -> str:
    hours, minutes = divmod(int(seconds) // 60, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds:.0f} s"
