"""Diagnose a 401: what is wrong with the credential that was sent, if any.

A 401 says only "Unauthorized". The token itself and a TokenReview say the rest. Pure.
"""

import re
from datetime import datetime

from helpers import errors
from helpers.language import mark, say
from helpers.refusals.status import DeniedRequest, Diagnosis
from helpers.reviews import Review
from helpers.tokens import Token

_FRESH = mark("Get a fresh one: read the token file again, or `kubectl create token`.")
_REVOKED = "invalidated|not found|UID .* does not match|has been deleted"


def without_token(denied: DeniedRequest) -> Diagnosis:
    """Return what the command line alone tells: it may be a curl without credential."""
    command = " ".join(denied.words)
    carries = r"Authorization|--cert\b|--key\b|-E\b|-K\b|--config\b|--oauth2-bearer"
    if re.search(r"\bcurl\b", command) and not re.search(carries, command):
        return Diagnosis(
            mark("no credential"),
            say(
                "The request carried no credential, and this API server accepts no "
                "anonymous ones."
            ),
            say("Send `Authorization: Bearer TOKEN`."),
        )
    return Diagnosis(
        mark("unknown"),
        say(
            "The server gives no reason. The request carried no credential at all, "
            "something that is no token, or a token that is expired, revoked, meant "
            "for another audience or from another cluster."
        ),
        say("Give the token, and it will be examined: explain(error, token=TOKEN)."),
    )


def diagnose(token: Token, review: Review | None, now: datetime) -> Diagnosis:
    """Return why the API server answered a token with 401.

    `review` is the server's TokenReview, None if the server could not be asked: then
    only the claims of the token count.
    """
    try:
        claims = token.claims()
    except errors.NotAToken as error:
        return Diagnosis(
            mark("not a token"),
            say(
                "What was sent is no JWT, three parts with dots between: {reason}.",
                reason=error.reason,
            ),
            say("Send what is in the token file, and nothing else."),
        )
    if review is None:
        return _by_claims(token, now)
    if review.authenticated:
        return Diagnosis(
            "unknown",
            say(
                "The API server accepts this token, so the request sent something else."
            ),
            say("Look at the header: `Authorization: Bearer TOKEN`."),
        )
    return _by_review(token, review.error, now) or Diagnosis(
        mark("unknown issuer"),
        say(
            "This API server does not know who issued it: `iss` is {issuer}.",
            issuer=claims.get("iss", "-"),
        ),
        say("Take a token of this cluster."),
    )


def _by_claims(token: Token, now: datetime) -> Diagnosis:
    if token.expires and token.expires < now:
        return _expired(token.expires, now)
    if token.claims().get("iss", "") not in token.audiences:
        return _wrong_audience(token)
    return Diagnosis(
        "unknown",
        say("Nothing is wrong with the token itself; the server could not review it."),
        say("Run `connect()`, then explain it again."),
    )


def _by_review(token: Token, error: str, now: datetime) -> Diagnosis | None:
    if token.expires and "has expired" in error:
        return _expired(token.expires, now)
    if re.search("not valid yet|in the future", error):
        why = say("Its `nbf` or `iat` is in the future.")
        way_out = say("Correct the clock of this machine.")
        return Diagnosis(mark("not valid yet"), why, way_out)
    if "audiences" in error:
        wanted = re.search(r"target audiences \[(.*?)\]", error)
        return _wrong_audience(token, wanted[1].replace('"', "") if wanted else "")
    if re.search(_REVOKED, error):
        reason = error.strip("[]").rpartition(", ")[2]
        why = say("What it belongs to is gone: {reason}.", reason=reason)
        if token.bound_to:
            why += " " + say("It was bound to {object}.", object=token.bound_to)
        return Diagnosis(mark("revoked"), why, say(_FRESH))
    if "cryptographic" in error:
        why = say(
            "The signature does not match: the token was changed, or another key "
            "signed it."
        )
        return Diagnosis(mark("bad signature"), why, say(_FRESH))
    return None


def _expired(end: datetime, now: datetime) -> Diagnosis:
    late, ended = _duration((now - end).total_seconds()), f"{end:%Y-%m-%d %H:%M:%S}"
    why = say("Its `exp` was {ended} UTC, {late} ago.", ended=ended, late=late)
    return Diagnosis(mark("expired"), why, say(_FRESH))


def _wrong_audience(token: Token, target: str = "") -> Diagnosis:
    meant = ", ".join(token.audiences) or "[]"
    why = say("It seems to be meant for {meant}, not for this API server.", meant=meant)
    if target:
        why = say(
            "It is meant for {meant}, not for {target}.", meant=meant, target=target
        )
    way_out = say("Request a token without `--audience`.")
    return Diagnosis(mark("wrong audience"), why, way_out)


def _duration(seconds: float) -> str:
    hours, minutes = divmod(int(seconds) // 60, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds:.0f} s"
