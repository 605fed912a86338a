"""Check what verbs a request needs."""

from collections.abc import Mapping

from helpers.caller import Caller
from helpers.refusals import forbidden
from helpers.refusals.status import DeniedRequest


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
