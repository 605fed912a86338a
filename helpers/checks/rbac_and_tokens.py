"""Check what verbs a request needs, and what a token is for."""

from collections.abc import Mapping

from helpers.caller import Caller
from helpers.refusals import forbidden
from helpers.refusals.status import DeniedRequest
from helpers.reviews import review_token
from helpers.tokens import Token


def verbs_named(predicted: Mapping[str, tuple[str, str] | None], caller: Caller) -> str:
    """Diagnose the first request whose verb and resource were not predicted rightly.

    `predicted` maps "METHOD PATH" to (verb, resource as in a rule). The server is
    asked by `caller`, who may do nothing: its 403 names both.
    """
    for request, guess in predicted.items():
        if guess is None:
            return f"There is no prediction yet for {request}."
        named = forbidden.attributes_of(
            DeniedRequest.parse(caller.request(*request.split()))
        )
        if named is None:
            return f"{request}: the server does not refuse it for want of a right."
        if tuple(guess) != (named.verb, named.what):
            return (
                f"{request}: predicted {' on '.join(guess)}, the server misses "
                f"{named.verb} on {named.what}."
            )
    return ""


def token_is(token: Token, *, audience: str, lifetime: int, bound_to: str) -> str:
    """Diagnose why a token is not the one that was asked for.

    `lifetime` in seconds, `bound_to` as `pod/NAME`. The API server has to believe it.
    """
    if token.audiences != [audience]:
        return (
            f"It is meant for {', '.join(token.audiences)}, not for {audience} alone."
        )
    if token.lifetime != lifetime:
        return f"It lives {token.lifetime} s, not {lifetime} s."
    if token.bound_to != bound_to:
        return f"It is bound to {token.bound_to or 'nothing'}, not to {bound_to}."
    review = review_token(token, audience=audience)
    return "" if review.authenticated else f"The server refuses it: {review.error}"
