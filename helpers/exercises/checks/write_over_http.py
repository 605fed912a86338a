"""Check the verbs of requests."""

from collections.abc import Mapping, Sequence

from helpers.api.caller import Caller
from helpers.command import current_namespace
from helpers.course.exercise import exercise
from helpers.errors import NotSolved
from helpers.language import mark, say
from helpers.rbac.refusals import forbidden
from helpers.rbac.refusals.request import DeniedRequest


@exercise
def predict_verbs(
    predicted: Mapping[str, tuple[str, str] | None], caller: Caller
) -> None:
    """Demand the verb and the resource, as in a rule, of each "METHOD PATH".

    `caller` may do nothing, so the server's 403 names both.
    """
    pods = f"/api/v1/namespaces/{current_namespace()}/pods"
    jobs = f"/apis/batch/v1/namespaces/{current_namespace()}/jobs"
    for request in (
        f"GET {pods}/web/log",
        f"POST {pods}/web/exec",
        f"PATCH {jobs}/backup/status",
        f"DELETE {jobs}?labelSelector=app=backup",
    ):
        guess = predicted.get(request)
        if guess is None:
            raise NotSolved(say("{request}: there is no answer yet.", request=request))
        if fault := wrong_verb(request, guess, caller):
            raise NotSolved(fault)


def wrong_verb(request: str, guess: Sequence[str], caller: Caller) -> str:
    """Return a sentence if the guess is not what the server requires, or ""."""
    if not (isinstance(guess, tuple | list) and len(guess) == 2):
        return say('{request}: write a pair like `("get", "pods")`.', request=request)
    refused = DeniedRequest.parse(caller.request(*request.split()))
    named = forbidden.attributes_of(refused)
    if named is None:
        fault = mark("{request}: the server does not refuse it for lack of permission.")
        return say(fault, request=request)
    if tuple(guess) == (named.verb, named.what):
        return ""
    fault = mark(
        "{request} does not need {verb} on {resource}: send it as `nobody`, and read "
        "the server's message."
    )
    verb, resource = guess
    return say(fault, request=request, verb=verb, resource=resource)
