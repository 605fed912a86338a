"""Tell the last three steps of a request, which happen in the server: who, may they.

Pure: what came back, and what the API server says of it when asked, come in.
"""

from dataclasses import dataclass, field

from helpers.journeys import (
    PASSED,
    RETURNED,
    STOPPED,
    UNREACHED,
    Request,
    Step,
    base,
    state_of,
)
from helpers.rbac import Attempt, allows
from helpers.refusals import Explanation
from helpers.refusals.forbidden import ANONYMOUS


@dataclass(frozen=True)
class Around:
    """What the cluster says of a request, asked beside it by the notebook's own user.

    `objects` are Services and EndpointSlices; `review` is the status of a
    SubjectAccessReview, `role` what it names; `refusal` explains a 401 or 403.
    """

    objects: tuple[dict, ...] = ()
    review: dict = field(default_factory=dict)
    role: dict = field(default_factory=dict)
    refusal: Explanation | None = None


def authentication_step(request: Request, seen: dict, around: Around) -> Step:
    """Tell what the token says, and whom the server takes its bearer for."""
    facts, status = seen.get("authentication", {}), seen.get("answer", {}).get("status")
    claims, user = facts.get("claims", {}), facts.get("user", {})
    bound = claims.get("kubernetes.io", {}) if isinstance(claims, dict) else {}
    pairs = [
        ("token says", claims.get("sub", "")),
        ("meant for", ", ".join(_listed(claims.get("aud", ())))),
        ("bound to", "/".join(["pod", bound.get("pod", {}).get("name", "")])),
    ]
    pairs = [*pairs[:2], *(pairs[2:] if "pod" in bound else [])] if claims else []
    if user.get("username"):
        pairs += [
            ("server says", user["username"]),
            ("groups", ", ".join(user.get("groups", ()))),
        ]
    if status:
        pairs.append(("time", "Not seen from here: it is part of the answer's."))
    state, answer = state_of(facts), facts.get("error", "")
    if status == 401:
        state, answer = STOPPED, f"401 Unauthorized. {_because(around)}"
    elif status and not request.token:
        answer = f"Nobody: no token was sent, so the server says {ANONYMOUS}."
    elif status:
        answer = user.get("username") or user.get("error", "")
    token = f"the file {base(request.token)}" if request.token else "no token"
    review = '"{\\"apiVersion\\":\\"authentication.k8s.io/v1\\",' + (
        '\\"kind\\":\\"SelfSubjectReview\\"}"'
    )
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    return Step(
        "authentication",
        f"Who asks, with {token}?",
        answer,
        state if status or "error" in facts else UNREACHED,
        None,
        tuple(pairs),
        request.curl(path, f"-H Content-Type:application/json -d {review} "),
    )


def authorization_step(attempt: Attempt, seen: dict, around: Around) -> Step:
    """Tell which rule allowed the attempt, or what would."""
    status = seen.get("answer", {}).get("status")
    what = attempt.path or " ".join(filter(None, (attempt.what, attempt.name)))
    where = "" if attempt.path else f" in {attempt.where}"
    asked = f"May they {attempt.verb} {what}{where}?"
    user = attempt.user or "USER"
    command = f"kubectl auth can-i {attempt.verb} {_for_kubectl(attempt)} --as={user}"
    if status in (None, 401):
        return Step("authorization", asked, command=command)
    if status == 403:
        refusal = around.refusal
        pairs = [("server says", refusal.message)] if refusal else []
        pairs += [("smallest cure", refusal.manifest)] if refusal.manifest else []
        answer = f"403 Forbidden. {_because(around)}"
        return Step(
            "authorization", asked, answer, STOPPED, None, tuple(pairs), command
        )
    reason = around.review.get("reason", "")
    pairs = []
    for rule in around.role.get("rules") or ():
        if allows(rule, attempt):
            pairs.append((f"rule of {around.role['metadata']['name']}", _rule(rule)))
    pairs.append(("admission", "Not asked: it looks at what is written, not at reads."))
    answer = reason or "Yes; the server does not say by which rule."
    return Step("authorization", asked, answer, PASSED, None, tuple(pairs), command)


def answer_step(request: Request, seen: dict) -> Step:
    """Tell what the answer is, never what stands in it."""
    facts = seen.get("answer", {})
    asked = f"GET {request.path}"
    command = request.curl(request.path, "-o /dev/null -D - ")
    if "status" not in facts:
        error = facts.get("error", "")
        state = STOPPED if error else UNREACHED
        return Step("answer", asked, error, state, None, (), command)
    headers = facts["headers"]
    kind = facts.get("kind", "")
    if "items" in facts:
        kind += f" of {facts['items']:,}"
    size = f"{facts['bytes']:,} bytes" + ("" if facts["ended"] else " and still coming")
    parts = [f"{facts['status']} {facts['reason']}", kind, size]
    pairs = [("first byte after", f"{facts['first']:.1f} ms")]
    pairs += [
        (name, value)
        for name, value in headers.items()
        if name.lower() in ("content-type", "audit-id")
        or name.lower().startswith("x-kubernetes-pf")
    ]
    message = facts.get("object", {}).get("message")
    pairs += [("message", message)] if message else []
    state = PASSED if facts["status"] < 400 else STOPPED
    # What was refused has its answer too: it stopped at a step before.
    state = RETURNED if facts["status"] in (401, 403) else state
    return Step(
        "answer",
        asked,
        ", ".join(filter(None, parts)),
        state,
        facts["milliseconds"],
        tuple(pairs),
        command,
    )


def _because(around: Around) -> str:
    return around.refusal.why if around.refusal else ""


def _listed(value) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _for_kubectl(attempt: Attempt) -> str:
    if attempt.path:
        return attempt.path
    resource = (
        f"{attempt.resource}.{attempt.group}" if attempt.group else attempt.resource
    )
    what = "/".join(filter(None, (resource, attempt.name)))
    options = f" --subresource={attempt.subresource}" if attempt.subresource else ""
    scope = f" -n {attempt.namespace}" if attempt.namespace else " -A"
    return what + options + scope


def _rule(rule: dict) -> str:
    """Return a rule as a line of YAML would have it."""
    return "; ".join(f"{key}: {', '.join(map(repr, rule[key]))}" for key in rule)
