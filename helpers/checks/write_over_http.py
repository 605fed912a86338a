"""Check what verbs requests need."""

from collections.abc import Mapping

from helpers import errors
from helpers.caller import Caller
from helpers.command import current_namespace
from helpers.exercise import exercise
from helpers.refusals import forbidden
from helpers.refusals.status import DeniedRequest


@exercise
def predict_verbs(
    predicted: Mapping[str, tuple[str, str] | None], caller: Caller
) -> None:
    """Check verb and resource, as in a rule, of each request of the exercise.

    `predicted` maps "METHOD PATH" to a pair. The server is asked by `caller`, who may
    do nothing: its 403 names both.
    """
    for request in _requests(current_namespace()):
        guess = predicted.get(request)
        if guess is None:
            raise errors.NotSolved(f"{request}: there is no prediction yet.")
        wrong = wrong_verb(request, guess, caller)
        if wrong:
            raise errors.NotSolved(f"{request}: {wrong}")


def wrong_verb(request: str, guess: tuple[str, str], caller: Caller) -> str:
    """Return what the server misses other than the guess, as a sentence, or ""."""
    refused = DeniedRequest.parse(caller.request(*request.split()))
    named = forbidden.attributes_of(refused)
    if named is None:
        return "The server does not refuse it for lack of a permission."
    if tuple(guess) == (named.verb, named.what):
        return ""
    return (
        f"You predicted {' on '.join(guess)}, but the server misses "
        f"{named.verb} on {named.what}."
    )


def _requests(namespace: str) -> tuple[str, ...]:
    pods = f"/api/v1/namespaces/{namespace}/pods"
    jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    return (
        f"GET {pods}/web/log",
        f"POST {pods}/web/exec",
        f"PATCH {jobs}/backup/status",
        f"DELETE {jobs}?labelSelector=app=backup",
    )
