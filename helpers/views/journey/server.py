"""Describe the steps in the server, from authentication to the response. Pure."""

from dataclasses import dataclass, field, replace
from http.client import responses

from helpers.language import mark, say
from helpers.rbac.objects import Attributes
from helpers.rbac.refusals import Explanation
from helpers.rbac.refusals.forbidden import ANONYMOUS
from helpers.views.journey.network import Observation
from helpers.views.journey.steps import (
    PASSED,
    RETURNED,
    SKIPPED,
    STOPPED,
    UNREACHED,
    Request,
    Step,
    file_name,
)

#: in double quotes, inside a line in single quotes
_REVIEW = (
    r'"{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"SelfSubjectReview\"}"'
)
_REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
#: response headers that a lesson mentions
_TELLING = ("content-type", "audit-id", "x-kubernetes-pf")


@dataclass(frozen=True)
class ClusterContext:
    """Facts from the API server that the notebook's own user has read.

    `objects` are Services and EndpointSlices; `review` is the status of a
    SubjectAccessReview; `refusal` explains a 401 or 403.
    """

    objects: tuple[dict, ...] = ()
    review: dict = field(default_factory=dict)
    refusal: Explanation | None = None

    @property
    def why(self) -> str:
        """Return why the request was denied, or ""."""
        return self.refusal.why if self.refusal else ""


def authentication_step(
    request: Request, seen: Observation, context: ClusterContext
) -> Step:
    """Describe the claims of the token, and the user that the server sees."""
    claims, user, audiences = seen.claims, seen.user, seen.claims.get("aud", [])
    audiences = [audiences] if isinstance(audiences, str) else audiences
    pod = claims.get("kubernetes.io", {}).get("pod", {}).get("name")
    state, answer = _authentication(request, seen, context)
    if request.token:
        text = mark("Who sends the request with the file {file}?")
    else:
        text = mark("Who sends the request without a token?")
    return Step(
        "authentication",
        say(text, file=file_name(request.token)),
        answer,
        state,
        None,
        (
            (mark("token claims"), claims.get("sub", "")),
            (mark("meant for"), ", ".join(audiences)),
            (mark("bound to"), f"pod/{pod}" if pod else ""),
            (mark("server reports"), user.get("username", "")),
            (mark("groups"), ", ".join(user.get("groups", ()))),
            (
                mark("time"),
                say("It can't be measured from here; the response's time includes it."),
            ),
        ),
        request.curl(_REVIEWS, f"-H Content-Type:application/json -d {_REVIEW} "),
    )


def _authentication(
    request: Request, seen: Observation, context: ClusterContext
) -> tuple[str, str]:
    """Return the state and the answer of the authentication."""
    if not seen.status:
        return UNREACHED, ""
    if seen.status == 401:
        return STOPPED, f"401 Unauthorized. {context.why}".rstrip()
    if seen.sent_token:
        return PASSED, seen.user.get("username") or say("The server reports no user.")
    answer = say("No token was sent, so the server sees {user}.", user=ANONYMOUS)
    if request.token:
        answer += " " + say("There is no file {file}.", file=request.token)
    return PASSED, answer


def authorization_step(
    attributes: Attributes, seen: Observation, context: ClusterContext
) -> Step:
    """Describe the rule that allowed the request, or that would."""
    what, verb = _kubectl_arguments(attributes), attributes.verb
    question = say("May they {verb} {what}?", verb=verb, what=what)
    command = f"kubectl auth can-i {verb} {what} --as={attributes.user or 'USER'}"
    if seen.status in (0, 401):
        return Step("authorization", question, command=command)
    if seen.status == 403:
        state, answer = STOPPED, f"403 Forbidden. {context.why}".rstrip()
        fix = context.refusal.manifest if context.refusal else ""
        pairs = [("server reports", seen.content.get("message", ""))]
        pairs.append((mark("smallest fix"), fix))
    else:
        reason = context.review.get("reason")
        state, answer = PASSED, reason or say("Yes; the server does not name the rule.")
        pairs = []
    return Step("authorization", question, answer, state, None, tuple(pairs), command)


def admission_step(seen: Observation) -> Step:
    """Describe why a GET skips admission."""
    question = say("Is the object accepted? (writes only)")
    if seen.status in (0, 401, 403):
        return Step("admission", question)
    return Step("admission", question, say("A GET writes no object."), SKIPPED)


def response_step(request: Request, seen: Observation) -> Step:
    """Describe the response: its kind and size, not its content."""
    facts = [pair for pair in seen.headers if pair[0].lower().startswith(_TELLING)]
    if seen.content.get("kind") == "Status":
        facts.append((mark("message"), seen.content.get("message", "")))
    step = seen.step(
        "response",
        f"GET {request.path}",
        _response_summary(seen),
        tuple(facts),
        request.curl(request.path, "-o /dev/null -D - "),
    )
    # A denied request has its response, too: it stopped at a step before.
    state = RETURNED if seen.status in (401, 403) else STOPPED
    return replace(step, state=state) if seen.status >= 400 else step


def _response_summary(seen: Observation) -> str:
    kind = seen.content.get("kind", "")
    if kind.endswith("List") and "items" in seen.content:
        count = len(seen.content["items"])
        kind = say("{kind} of {count:,}", kind=kind, count=count)
    count = seen.measured["size_download"]
    if seen.measured["exitcode"]:
        size = say("{count:,} bytes and still coming", count=count)
    else:
        size = say("{count:,} bytes", count=count)
    # HTTP/2 does not send the words of a code.
    code = f"{seen.status} {responses.get(seen.status, '')}".rstrip()
    return ", ".join(filter(None, (code, kind, size)))


def _kubectl_arguments(attributes: Attributes) -> str:
    if attributes.path:
        return attributes.path
    group = f".{attributes.group}" if attributes.group else ""
    what = "/".join(filter(None, (f"{attributes.resource}{group}", attributes.name)))
    options = (
        f" --subresource={attributes.subresource}" if attributes.subresource else ""
    )
    scope = f" -n {attributes.namespace}" if attributes.namespace else " -A"
    return what + options + scope
