"""Send one real request from a pod, and find out what became of it on its way.

One `kubectl exec` runs a small Python program in the pod, which sends the request. What
the pod cannot know is asked with the notebook's own user.
"""

import json
import re
from functools import cache
from pathlib import Path
from urllib.parse import quote

from cluster import errors
from helpers.command import kubectl
from helpers.journeynetwork import address_step, name_step, tls_step
from helpers.journeys import Journey, Request
from helpers.journeyserver import (
    Around,
    answer_step,
    authentication_step,
    authorization_step,
)
from helpers.pods import exec_in_pod
from helpers.rbac import Attempt
from helpers.refusals import Explanation, explain
from helpers.refusals.forbidden import ANONYMOUS
from helpers.requestpath import reading
from helpers.reviews import Account
from helpers.tokens import Token, read_token

#: seconds for the whole: each step in the pod has its own deadline below that
TIMEOUT = 40.0
_PROGRAM = Path(__file__).parent / "data" / "one_request.py"
_ROLE = re.compile(r'Binding "[^"/]+(?:/([^"]+))?" of (Cluster)?Role "([^"]+)"')
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*)|[0-9a-fA-F:]+")


def follow_request(
    pod: str,
    path: str,
    *,
    container: str | None = None,
    host: str = Request.host,
    ca: str = Request.ca,
    token: str = Request.token,
) -> Journey:
    """Send a GET from a pod and return its Journey; where it fails is a value.

    `ca` and `token` are files in the pod; a `token` of "" sends none. `frame()` has
    STEP, ASKED, ANSWER, STATE, MILLISECONDS. The pod's image needs Python. Raise
    BadRequestLine for what cannot be sent, KubectlFailed if nothing can be run in the
    pod. The same as `kubectl exec POD -- curl --cacert CA -H "Authorization: …" URL`.
    """
    request = Request(pod, sendable(path), _known(host), ca, token, container)
    seen = _send(request)
    user = _user(seen)
    attempt = reading(request.path, user)
    return tell(request, seen, attempt, _around(request, seen, attempt))


def tell(request: Request, seen: dict, attempt: Attempt, around: Around) -> Journey:
    """Tell a journey from what the pod has seen and what the cluster says of it."""
    steps = (
        name_step(request, seen),
        address_step(request, seen, around.objects),
        tls_step(request, seen),
        authentication_step(request, seen, around),
        authorization_step(attempt, seen, around),
        answer_step(request, seen),
    )
    return Journey(request, steps)


def sendable(path: str) -> str:
    """Return a path as it goes over the wire; raise BadRequestLine."""
    path = path.strip()
    if not path.startswith("/"):
        fact = "does not begin with a slash"
        raise errors.BadRequestLine("path", path, fact, "Write /api/v1/… or /apis/….")
    # Hangul and blanks go as %XX; what is quoted already stays.
    return quote(path, safe="/?&=%:,+@!$'()*;~")


def _known(host: str) -> str:
    host = host.strip()
    if not _HOST.fullmatch(host) or len(host) > 253:
        fact = "is no host name"
        raise errors.BadRequestLine("host", host, fact, "Write a name as in a URL.")
    return host


@cache
def _program() -> str:
    return _PROGRAM.read_text(encoding="utf-8")


def _send(request: Request) -> dict:
    asked = {
        "path": request.path,
        "host": request.host,
        "ca": request.ca,
        "token": request.token,
    }
    command = ["python3", "-", json.dumps(asked)]
    try:
        done = exec_in_pod(
            request.pod,
            *command,
            container=request.container,
            input=_program(),
            timeout=TIMEOUT,
        )
    except errors.KubectlFailed as error:
        # Without the options: what matters is what the server says.
        short = error.arguments[:2]
        raise errors.KubectlFailed(short, error.exit_code, error.stderr) from None
    if done.exit_code:
        raise errors.KubectlFailed(done.args[:2], done.exit_code, done.stderr[-500:])
    return done.json()


def _user(seen: dict) -> str:
    """Return whom the server takes the pod for, or else what the token says."""
    facts = seen.get("authentication", {})
    if user := facts.get("user", {}).get("username"):
        return user
    if "status" in seen.get("answer", {}) and not facts.get("characters"):
        return ANONYMOUS
    claims = facts.get("claims")
    return claims.get("sub", "") if isinstance(claims, dict) else ""


def _around(request: Request, seen: dict, attempt: Attempt) -> Around:
    objects = ()
    if "addresses" in seen["name"]:
        found = _asked("get", "services,endpointslices", "-n", "default")
        objects = tuple(found.get("items", ()))
    answer = seen.get("answer", {})
    status = answer.get("status")
    if status in (401, 403):
        refusal = _explained(request, answer)
        return Around(objects, refusal=refusal)
    if status is None or not attempt.user:
        return Around(objects)
    review = _reviewed(seen, attempt)
    return Around(objects, review, _role(review.get("reason", "")))


def _explained(request: Request, answer: dict) -> Explanation | None:
    status = answer.get("object") or {}
    token: Token | None = None
    if status.get("code") == 401 and request.token:
        try:
            token = read_token(
                request.pod, path=request.token, container=request.container
            )
        except errors.LabError:
            token = None
    try:
        return explain(status, token=token)
    except errors.NotExplainable:
        return None


def _reviewed(seen: dict, attempt: Attempt) -> dict:
    """Return the status of a SubjectAccessReview: may they, and by which rule."""
    who = seen["authentication"].get("user", {})
    account = Account.read(attempt.user, "")
    groups = who.get("groups") or list(account.groups)
    if attempt.user == ANONYMOUS:
        groups = ["system:unauthenticated"]
    spec = {"user": attempt.user, "groups": groups, "extra": who.get("extra") or {}}
    if attempt.path:
        spec["nonResourceAttributes"] = {"path": attempt.path, "verb": attempt.verb}
    else:
        names = ("verb", "group", "resource", "subresource", "name", "namespace")
        spec["resourceAttributes"] = {name: getattr(attempt, name) for name in names}
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": spec,
    }
    return _asked("create", "-f", "-", input=json.dumps(body)).get("status", {})


def _role(reason: str) -> dict:
    """Return the role that the reason of an authorizer names, or nothing."""
    found = _ROLE.search(reason)
    if found is None:
        return {}
    namespace, cluster, name = found.groups()
    if cluster:
        return _asked("get", "clusterrole", name)
    return _asked("get", "role", name, "-n", namespace or "default")


def _asked(*words: str, input: str | None = None) -> dict:
    """Return an answer of the cluster, or nothing where this user may not ask."""
    done = kubectl(*words, "-o", "json", input=input, check=False, timeout=TIMEOUT)
    return {} if done.exit_code else done.json()
