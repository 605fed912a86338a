"""Explain a 401 or 403: who tried what and where, the reason, and the way out."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from helpers import errors
from helpers.api.tokens import Token
from helpers.command import current_namespace
from helpers.language import say
from helpers.rbac.objects import Attributes, read_rbac
from helpers.rbac.refusals import forbidden, unauthorized
from helpers.rbac.refusals.request import DeniedRequest
from helpers.rbac.reviews import review_token


class Brief(str):
    """A sentence that a notebook shows as Markdown, and everything else as text."""

    def _repr_markdown_(self) -> str:
        return str(self)


@dataclass(frozen=True, repr=False)
class Explanation:
    """Why a request was denied.

    `cause` is one of: "no credential", "not a token", "bad signature", "unknown
    issuer", "expired", "not valid yet", "wrong audience", "revoked", "unknown" (401);
    "not allowed", "no credential", "escalation", "refused by admission" (403).
    `request` is who tried what, None where the answer does not say; `manifest` is the
    smallest YAML that would allow it, or empty where none should.
    """

    code: int
    cause: str
    message: str
    why: str
    hint: str
    request: Attributes | None = None
    manifest: str = ""

    @property
    def brief(self) -> Brief:
        """Return only the sentence of `why`, for the end of a cell."""
        return Brief(self.why)

    def __repr__(self) -> str:
        lines = [f"{self.code}, {say(self.cause)}: {self.message}"]
        lines += [f"  {label}: {text}" for label, text in self._table()]
        lines += [say("Why") + f": {self.why}", say("Way out") + f": {self.hint}"]
        return "\n".join([*lines, self.manifest]).rstrip()

    def _repr_markdown_(self) -> str:
        rows = [f"| {label} | {text} |" for label, text in self._table()]
        # The first row is the head: a screen reader announces an empty one.
        table = ["", rows[0], "| --- | --- |", *rows[1:]] if rows else []
        # No language: with one, rendered pages lose the fixed width, and YAML is width.
        block = ["", "```", self.manifest.rstrip(), "```"] if self.manifest else []
        lines = [f"**{self.code}, {say(self.cause)}.** {self.message}", *table, ""]
        lines += ["**" + say("Why") + f":** {self.why}", ""]
        lines += ["**" + say("Way out") + f":** {self.hint}", *block]
        return "\n".join(lines)

    def _table(self) -> list[tuple[str, str]]:
        tried = self.request
        if tried is None:
            return []
        rows = [(say("who"), tried.user or say("unknown")), (say("verb"), tried.verb)]
        if tried.path:
            return [*rows, (say("path"), tried.path)]
        rows += [(say("API group"), f'"{tried.group}"'), (say("resource"), tried.what)]
        rows += [(say("object"), tried.name)] if tried.name else []
        return [*rows, (say("where"), tried.where)]


def explain(error: Any, *, token: Token | None = None) -> Explanation:
    """Explain a 401 or 403; raise LabError for anything else.

    `error` is an ApiException, a KubectlFailed, a Completed, a response of a Caller, or
    a Status as a dict or in a text. `token` is the token of the request. If connected,
    ask the API server for its reason, and for bindings that nearly fit.
    """
    denied, request = DeniedRequest.parse(error), None
    if denied.code == 403:
        request = _attributes(denied, token)
        is_known = request and request.user not in ("", forbidden.ANONYMOUS)
        objects = _try(read_rbac) if is_known else None
        diagnosis = forbidden.diagnose(denied, request, objects)
    elif token:
        review = _try(review_token, token)
        diagnosis = unauthorized.diagnose(token, review, datetime.now(UTC))
    else:
        diagnosis = unauthorized.diagnose_without_token(denied)
    cause, why, hint, manifest = diagnosis
    message = denied.message
    return Explanation(denied.code, cause, message, why, hint, request, manifest)


def _attributes(denied: DeniedRequest, token: Token | None) -> Attributes | None:
    request = forbidden.attributes_of(denied)
    if request is None or request.user:
        return request
    namespace = denied.option("-n", "--namespace") or _try(current_namespace) or ""
    user = _try(lambda: token.subject) if token else denied.option("--as")
    return forbidden.attributes_of(denied, user=user or "", namespace=namespace)


def _try(question, *arguments):
    """Return the result of a question, or None if the cluster cannot be asked."""
    try:
        return question(*arguments)
    except errors.LabError:
        return None
