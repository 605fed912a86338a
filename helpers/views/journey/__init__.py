"""Send a request from a pod, and describe each step of its way to the API server.

A single `kubectl exec` sends it; the notebook's own user asks the rest.
"""

from urllib.parse import quote

from helpers import errors
from helpers.api.tokens import read_token
from helpers.command import kubectl
from helpers.language import say
from helpers.rbac.objects import Attributes
from helpers.rbac.refusals import Explanation, explain
from helpers.rbac.refusals.forbidden import ANONYMOUS
from helpers.rbac.requestpath import attributes_of_get
from helpers.rbac.reviews import Account, access_review
from helpers.views.journey.network import (
    TIMEOUT,
    Observation,
    address_step,
    name_step,
    observe,
    tls_step,
)
from helpers.views.journey.server import (
    ClusterContext,
    admission_step,
    authentication_step,
    authorization_step,
    response_step,
)
from helpers.views.journey.steps import Journey, Request


def follow_request(
    pod: str,
    path: str,
    *,
    host: str = Request.host,
    ca: str = Request.ca,
    token: str = Request.token,
) -> Journey:
    """Send a GET from a pod and return its Journey; a failure is a value.

    `ca` and `token` are files in the pod; a `token` of "" sends none. `frame()` has
    STEP, ASKED, ANSWER, STATE, MILLISECONDS. The pod's image needs curl. Raise
    LabError for a path without a slash, KubectlFailed if nothing can be run in the pod.
    The same as `kubectl exec POD -- curl --cacert CA -H "Authorization: …" URL`.
    """
    request = Request(pod, encode_path(path), host, ca, token)
    seen = observe(request)
    attributes = attributes_of_get(request.path, _user(seen))
    context = _ask_cluster(request, seen, attributes)
    return Journey(
        request,
        (
            name_step(request, seen),
            address_step(request, seen, context.objects),
            tls_step(request, seen),
            authentication_step(request, seen, context),
            authorization_step(attributes, seen, context),
            admission_step(seen),
            response_step(request, seen),
        ),
    )


def encode_path(path: str) -> str:
    """Return the path, percent-encoded; raise LabError without a slash."""
    path = path.strip()
    if not path.startswith("/"):
        message = say("The path {path!r} does not begin with a slash.", path=path[:60])
        raise errors.LabError(message, say("Write /api/v1/… or /apis/…."))
    # Hangul and spaces become %XX; a % stays.
    return quote(path, safe="/?&=%:,+@!$'()*;~")


def _user(seen: Observation) -> str:
    """Return the user that the server sees, or else the subject of the token."""
    if seen.status and not seen.sent_token:
        return ANONYMOUS
    return seen.user.get("username") or seen.claims.get("sub", "")


def _ask_cluster(
    request: Request, seen: Observation, attributes: Attributes
) -> ClusterContext:
    objects = ()
    if seen.stopped_at != "name":
        document = _ask("get", "services,endpointslices", "-n", "default")
        objects = tuple(document.get("items", ()))
    if seen.status in (401, 403):
        return ClusterContext(objects, refusal=_explanation(request, seen.content))
    if not seen.status or not attributes.user:
        return ClusterContext(objects)
    review = _review(seen, attributes)
    return ClusterContext(objects, review)


def _explanation(request: Request, status: dict) -> Explanation | None:
    token = None
    try:
        if status.get("code") == 401 and request.token:
            token = read_token(request.pod, path=request.token)
        return explain(status, token=token)
    except errors.LabError:
        return None


def _review(seen: Observation, attributes: Attributes) -> dict:
    """Return the status of a SubjectAccessReview of the request."""
    groups = seen.user.get("groups") or Account.read(attributes.user, "").groups
    if attributes.user == ANONYMOUS:
        groups = ["system:unauthenticated"]
    body = access_review(attributes, groups, seen.user.get("extra"))
    return _ask("create", "-f", "-", input=body).get("status", {})


def _ask(*words: str, input: dict | None = None) -> dict:
    """Return an object of the cluster, or {} if this user may not read it."""
    done = kubectl(*words, "-o", "json", input=input, check=False, timeout=TIMEOUT)
    return {} if done.exit_code else done.json()
