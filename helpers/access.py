"""Explain a 401 or a 403: who tried what and where, why not, and what would cure it.

The server's sentence is taken apart here; the lesson's rule behind it: 401 means "I
do not know you", 403 means "I know you, and you may not".
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from cluster import errors
from helpers import credentials, rbac
from helpers.rbac import Attempt, Objects
from helpers.reviews import Account, Review, current_namespace, review_token
from helpers.statuses import Refusal
from helpers.tokens import Token

ANONYMOUS = "system:anonymous"

_SENTENCE = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) '
    r'(?:path "(?P<path>[^"]*)"|resource "(?P<resource>[^"/]+)(?:/(?P<sub>[^"]+))?" '
    r'in API group "(?P<group>[^"]*)" '
    r'(?:in the namespace "(?P<namespace>[^"]*)"|at the cluster scope))'
    r"(?:: (?P<reason>.*))?",
    re.DOTALL,
)
_NAMED = re.compile(r'^\S+ "(?P<name>[^"]+)" is forbidden: ')

_NOT_RBAC = (
    ("exceeded quota", "A ResourceQuota of the namespace is used up."),
    ("violates PodSecurity", "The namespace enforces a Pod Security standard."),
    ("is being terminated", "The namespace is being deleted."),
    ("error looking up service account", "The pod names a ServiceAccount that is not."),
)


class Brief(str):
    """A sentence that a notebook shows as Markdown, and everything else as text."""

    def _repr_markdown_(self) -> str:
        return str(self)


@dataclass(frozen=True, repr=False)
class Explanation:
    """Why a request was refused.

    `cause` is one of: "no credential", "not a token", "bad signature", "unknown
    issuer", "expired", "not valid yet", "wrong audience", "revoked", "unknown" (401);
    "not allowed", "no credential", "escalation", "refused by admission" (403).
    `attempt` is who tried what, None where the answer does not say; `manifest` is the
    smallest YAML that would allow it, or empty where none should.
    """

    code: int
    cause: str
    message: str
    why: str
    way_out: str
    attempt: Attempt | None = None
    manifest: str = ""

    @property
    def brief(self) -> "Brief":
        """Return the sentence of `why` alone, to stand last in a cell."""
        return Brief(self.why)

    def __repr__(self) -> str:
        """Return the explanation as plain text."""
        lines = [f"{self.code}, {self.cause}: {self.message}"]
        lines += [f"  {label}: {text}" for label, text in self._table()]
        lines += [f"Why: {self.why}", f"Way out: {self.way_out}"]
        return "\n".join([*lines, self.manifest]).rstrip()

    def _repr_markdown_(self) -> str:
        rows = [f"| {label} | {text} |" for label, text in self._table()]
        table = ["", "| | |", "| --- | --- |", *rows] if rows else []
        # No language: with one, rendered pages lose the fixed width, and YAML is width.
        block = ["", "```", self.manifest.rstrip(), "```"] if self.manifest else []
        lines = [f"**{self.code}, {self.cause}.** {self.message}", *table, ""]
        lines += [f"**Why:** {self.why}", "", f"**Way out:** {self.way_out}", *block]
        return "\n".join(lines)

    def _table(self) -> list[tuple[str, str]]:
        tried = self.attempt
        if tried is None:
            return []
        asked = (
            [("path", tried.path)]
            if tried.path
            else [
                ("API group", f'"{tried.group}"'),
                ("resource", tried.what),
                *([("object", tried.name)] if tried.name else []),
                ("where", tried.where),
            ]
        )
        return [("who", tried.user or "not said"), ("verb", tried.verb), *asked]


def explain(error, *, token: Token | None = None, user: str = "") -> Explanation:
    """Explain a 401 or 403; raise NotExplainable for anything else.

    `error` is what you hold: an ApiException, a KubectlFailed, a Completed or a
    answer of a Caller, a Status as a dict or in a text. `token` is what was sent and
    `user` who sent it, where the error does not tell. With a cluster connected, the
    API server itself is asked for its reason, and for bindings that nearly fit.
    """
    refusal = Refusal.read(error)
    if refusal.code == 401:
        review = _try(review_token, token) if token else None
        return unauthorized(refusal, token, review, datetime.now(UTC))
    attempt = attempt_of(refusal)
    if attempt and not attempt.user:
        here = refusal.option("-n", "--namespace") or _try(current_namespace) or ""
        attempt = attempt_of(
            refusal, user=user or _guess(refusal, token), namespace=here
        )
    known = attempt and attempt.user not in ("", ANONYMOUS)
    return forbidden(refusal, attempt, _try(rbac.read_rbac) if known else None)


def attempt_of(
    refusal: Refusal, *, user: str = "", namespace: str = ""
) -> Attempt | None:
    """Return who tried what; None if the server's sentence is not RBAC's.

    `user` and `namespace` are used for the one sentence that ends after its colon:
    exec, attach or port-forward over a WebSocket without the verb `create`.
    """
    found = _SENTENCE.search(refusal.message)
    name = _NAMED.search(refusal.message)
    if found:
        return Attempt(
            user=found["user"],
            verb=found["verb"],
            resource=found["resource"] or "",
            group=found["group"] or "",
            subresource=found["sub"] or "",
            name=refusal.name or (name["name"] if name and found["resource"] else ""),
            namespace=found["namespace"] or "",
            path=found["path"] or "",
        )
    if name and refusal.message.endswith(": "):
        asked = refusal.upgrade
        return Attempt(
            user=Account.read(user, namespace).user if user else "",
            verb="create",
            resource="pods",
            subresource=asked.get("subresource", "exec"),
            name=name["name"],
            namespace=asked.get("namespace", namespace),
        )
    return None


def forbidden(
    refusal: Refusal, attempt: Attempt | None, objects: Objects | None = None
) -> Explanation:
    """Explain a 403 from its parts; `objects` are the RBAC objects, if known."""
    message = refusal.message
    if attempt is None:
        return _not_rbac(message)
    if attempt.user == ANONYMOUS:
        return Explanation(
            403,
            "no credential",
            message,
            "The request carried no credential, so it was made by nobody: "
            f"`{ANONYMOUS}`, who may read the version and the health checks.",
            "Send `Authorization: Bearer TOKEN`, spelled like this. Never grant "
            f"anything to `{ANONYMOUS}`: it is everybody who reaches the server.",
            attempt,
        )
    if not attempt.user:
        way_out = "Say who sent it: explain(error, user=NAME) or token=TOKEN."
        return Explanation(403, "not allowed", message, _empty(), way_out, attempt)
    why = _why(refusal, attempt, objects)
    manifest = rbac.to_yaml(rbac.minimal(attempt))
    return Explanation(
        403, "not allowed", message, why, _grant(attempt), attempt, manifest
    )


def unauthorized(
    refusal: Refusal, token: Token | None, review: Review | None, now: datetime
) -> Explanation:
    """Explain a 401 from its parts: what was sent, and what the server says of it."""
    if token:
        verdict = credentials.judge(token, review, now)
    else:
        verdict = credentials.NONE if _shows_nothing(refusal) else credentials.UNSEEN
    return Explanation(
        401, verdict.cause, refusal.message, verdict.why, verdict.way_out
    )


def _why(refusal: Refusal, attempt: Attempt, objects: Objects | None) -> str:
    said = _SENTENCE.search(refusal.message)
    parts = [_no_rule(attempt) if said else _empty()]
    if said and said["reason"]:
        parts.append(f"It adds: {said['reason'].strip()}.")
    if objects:
        parts += rbac.near_misses(attempt, objects)
    return " ".join(parts)


def _no_rule(attempt: Attempt) -> str:
    return (
        f"The server knows `{attempt.user}`, but no rule allows it the verb "
        f"`{attempt.verb}` on `{attempt.path or attempt.what}` in {attempt.where}."
    )


def _empty() -> str:
    return (
        "The sentence ends after its colon: over a WebSocket exec, attach and "
        "port-forward are a GET, and since 1.35 they need the verb `create` as well."
    )


def _grant(attempt: Attempt) -> str:
    if attempt.path:
        return (
            "Usually none is needed: what an application reads is under /api and "
            "/apis, and every account may read what is there. This opens the path:"
        )
    if not attempt.namespace:
        return (
            "If one namespace is enough, name it in the request, and a Role will do. "
            "This opens the whole cluster:"
        )
    return "Apply this; it allows that one verb and nothing else:"


def _not_rbac(message: str) -> Explanation:
    if "attempting to grant RBAC permissions not currently held" in message:
        return Explanation(
            403,
            "escalation",
            message,
            "Nobody may grant what they do not have themselves.",
            "Let somebody who has these permissions grant them.",
        )
    why = [text for sign, text in _NOT_RBAC if sign in message]
    return Explanation(
        403,
        "refused by admission",
        message,
        why[0] if why else "The request was allowed, and then refused for its content.",
        "No Role mends this: change the request.",
    )


def _shows_nothing(refusal: Refusal) -> bool:
    """Say whether what was refused is a curl that carries no credential."""
    command = " ".join(refusal.words)
    carries = r"Authorization|--cert\b|--key\b|-E\b|-K\b|--config\b|--oauth2-bearer"
    return bool(re.search(r"\bcurl\b", command)) and not re.search(carries, command)


def _guess(refusal: Refusal, token: Token | None) -> str:
    if token:
        try:
            return token.subject
        except errors.NotAToken:
            return ""
    return refusal.option("--as")


def _try(question, *arguments):
    """Return the answer of the cluster, or None where it cannot be asked."""
    try:
        return question(*arguments)
    except errors.LabError:
        return None
