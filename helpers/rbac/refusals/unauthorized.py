"""Diagnose a 401, from the token itself and from a TokenReview. Pure."""

import re
from datetime import datetime

from helpers import errors
from helpers.api.tokens import Token
from helpers.language import mark, say
from helpers.rbac.refusals.request import DeniedRequest, Diagnosis
from helpers.rbac.reviews import Review

_FRESH = mark("Get a fresh one: read the token file again, or `kubectl create token`.")
_NOTHING_SENT = Diagnosis(
    mark("no credential"),
    mark(
        "The request had no credential, and this API server accepts no anonymous ones."
    ),
    mark("Send `Authorization: Bearer TOKEN`."),
)
_UNSEEN = Diagnosis(
    mark("unknown"),
    mark(
        "The server gives no reason. The request carried no credential at all, "
        "something that is no token, or a token that is expired, revoked, meant for "
        "another audience or from another cluster."
    ),
    mark("Give the token, and it will be examined: explain(error, token=TOKEN)."),
)
_REVOKED = "invalidated|not found|UID .* does not match|has been deleted"


def diagnose_without_token(denied: DeniedRequest) -> Diagnosis:
    """Diagnose from the command line: it may be a curl without a credential."""
    command = " ".join(denied.words)
    carries = r"Authorization|--cert\b|--key\b|-E\b|-K\b|--config\b|--oauth2-bearer"
    is_bare = re.search(r"\bcurl\b", command) and not re.search(carries, command)
    return (_NOTHING_SENT if is_bare else _UNSEEN).translate()


def diagnose(token: Token, review: Review | None, now: datetime) -> Diagnosis:
    """Return why the API server answered a token with 401.

    Without a `review`, the server's TokenReview, only the claims of the token count.
    """
    try:
        claims = token.claims()
    except errors.NotAToken as error:
        return Diagnosis(
            mark("not a token"),
            mark("What was sent is no JWT, three parts with dots between: {reason}."),
            mark("Send what is in the token file, and nothing else."),
        ).translate(reason=error.reason)
    if review is None:
        return _diagnose_claims(token, now)
    if review.authenticated:
        return Diagnosis(
            "unknown",
            mark("The API server accepts this token: the request sent something else."),
            mark("Look at the header: `Authorization: Bearer TOKEN`."),
        ).translate()
    return _diagnose_review(token, review.error, now) or Diagnosis(
        mark("unknown issuer"),
        mark("This API server does not know who issued it: `iss` is {issuer}."),
        mark("Take a token of this cluster."),
    ).translate(issuer=claims.get("iss", "-"))


def _diagnose_claims(token: Token, now: datetime) -> Diagnosis:
    if token.expires and token.expires < now:
        return _diagnose_expiry(token.expires, now)
    if token.claims().get("iss", "") not in token.audiences:
        return _diagnose_audience(token)
    return Diagnosis(
        "unknown",
        mark("Nothing is wrong with the token itself; the server could not review it."),
        mark("Run `connect()`, then explain it again."),
    ).translate()


def _diagnose_review(token: Token, error: str, now: datetime) -> Diagnosis | None:
    if token.expires and "has expired" in error:
        return _diagnose_expiry(token.expires, now)
    if re.search("not valid yet|in the future", error):
        why = mark("Its `nbf` or `iat` is in the future.")
        hint = mark("Correct the clock of this machine.")
        return Diagnosis(mark("not valid yet"), why, hint).translate()
    if "audiences" in error:
        audiences = re.search(r"target audiences \[(.*?)\]", error)
        target = audiences[1].replace('"', "") if audiences else ""
        return _diagnose_audience(token, target)
    if re.search(_REVOKED, error):
        reason = error.strip("[]").rpartition(", ")[2]
        if token.bound_to:
            why = mark(
                "What it belongs to is gone: {reason}. It was bound to {object}."
            )
        else:
            why = mark("What it belongs to is gone: {reason}.")
        diagnosis = Diagnosis(mark("revoked"), why, _FRESH)
        return diagnosis.translate(reason=reason, object=token.bound_to)
    if "cryptographic" in error:
        why = mark("The signature does not match: the token or the key was changed.")
        return Diagnosis(mark("bad signature"), why, _FRESH).translate()
    return None


def _diagnose_expiry(end: datetime, now: datetime) -> Diagnosis:
    late, ended = _duration((now - end).total_seconds()), f"{end:%Y-%m-%d %H:%M:%S}"
    why = mark("Its `exp` was {ended} UTC, {late} ago.")
    return Diagnosis(mark("expired"), why, _FRESH).translate(ended=ended, late=late)


def _diagnose_audience(token: Token, target: str = "") -> Diagnosis:
    if target:
        why = mark("It is meant for {meant}, not for {target}.")
    else:
        why = mark("It seems to be meant for {meant}, not for this API server.")
    hint, meant = mark("Request a token without `--audience`."), token.audiences
    diagnosis = Diagnosis(mark("wrong audience"), why, hint)
    return diagnosis.translate(meant=", ".join(meant) or "[]", target=target)


def _duration(seconds: float) -> str:
    hours, minutes = divmod(int(seconds) // 60, 60)
    if hours:
        return say("{hours} h {minutes} min", hours=hours, minutes=minutes)
    if minutes:
        return say("{minutes} min", minutes=minutes)
    return say("{seconds:.0f} s", seconds=seconds)
