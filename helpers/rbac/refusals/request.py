"""Find the Status of a denied request of curl, kubectl or Python. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from helpers import errors
from helpers.language import say
from helpers.status import find_status

#: sentences of kubectl on 401, instead of the server's Status
_KUBECTL_401 = (
    "You must be logged in to the server",
    "the server has asked for the client to provide credentials",
)
_FORBIDDEN = re.compile(
    # A kubelet refuses in its own words, and an upgrade fails for other reasons.
    r"(?:\([Ff]orbidden\): |unable to upgrade connection: (?=.* is forbidden: ))"
    r"(?!Forbidden \(user=)(.*)",
    re.DOTALL,
)
_UPGRADE = re.compile(
    r"/api/v1/namespaces/(?P<namespace>[a-z0-9-]+)/pods/(?P<name>[a-z0-9.-]+)/"
    r"(?P<subresource>exec|attach|portforward)"
)


class Diagnosis(NamedTuple):
    """Why a request was denied and what to do; `manifest` is YAML that allows it."""

    cause: str
    why: str
    hint: str
    manifest: str = ""

    def translate(self, **values: object) -> "Diagnosis":
        """Return it in the learner's language, with the `{names}` filled in."""
        why, hint = self.why, self.hint
        return self._replace(why=say(why, **values), hint=say(hint, **values))


@dataclass(frozen=True)
class DeniedRequest:
    """A request that the API server answered with 401 or 403.

    `message` is the server's sentence, `name` the object that its Status names, `words`
    the denied command line or URL.
    """

    code: int
    message: str
    name: str = ""
    words: tuple[str, ...] = ()

    @classmethod
    def parse(cls, error: Any) -> "DeniedRequest":
        """Return the request that any of the forms describes, or raise LabError."""
        denied, kind = _parse(error), type(error).__name__
        if denied and denied.code in (401, 403):
            return denied
        message = say(
            "explain() was given a {kind}: it is no 401 and no 403.", kind=kind
        )
        if denied:
            message += f" {denied.code}: {denied.message}".rstrip(": ")
        hint = say("Give it the exception, response or Status of a denied request.")
        raise errors.LabError(message, hint)

    def option(self, *names: str) -> str:
        """Return the value of an option of the denied command, or nothing."""
        for at, word in enumerate(self.words):
            key, equals, value = word.partition("=")
            if key in names:
                return value if equals else "".join(self.words[at + 1 : at + 2])
            if word == "--":
                break
        return ""

    @property
    def upgrade(self) -> dict[str, str]:
        """Return namespace, name and subresource if a URL is that of an exec."""
        matches = filter(None, map(_UPGRADE.search, self.words))
        return next((match.groupdict() for match in matches), {})


def is_refusal(error: Any) -> bool:
    """Return whether an error is the API server's 401 or 403, in any of the forms."""
    denied = _parse(error)
    return denied is not None and denied.code in (401, 403)


def _parse(error: Any) -> DeniedRequest | None:
    # By shape: to import the clients takes longer than all of this.
    if isinstance(error, dict):
        return _from_status(error)
    if isinstance(error, str):
        return _from_text(0, error)
    if isinstance(error, errors.KubectlFailed):
        return _from_kubectl(error.arguments, error.stderr)
    if hasattr(error, "stdout"):
        status = find_status(error.stdout)
        if status is None:
            return _from_kubectl(error.args, error.stderr or "")
        return _from_status(status, error.args)
    if hasattr(error, "status_code"):
        return _from_text(error.status_code, error.text, (str(error.url),))
    if hasattr(error, "status") and hasattr(error, "body"):
        # A denied WebSocket has status 0 and all else in `reason`; a watch no body.
        reason = getattr(error, "reason", "") or ""
        code = re.search(r"Handshake status (\d{3})", reason)
        return _from_text(int(code[1]) if code else error.status, error.body or reason)
    return None


def _from_status(status: dict, words: tuple = ()) -> DeniedRequest:
    name = (status.get("details") or {}).get("name", "")
    message = status.get("message", "")
    return DeniedRequest(status.get("code", 0), message, name, tuple(words))


def _from_text(code: int, text: str, words: tuple = ()) -> DeniedRequest:
    status = find_status(text)
    if status is not None:
        return _from_status(status, words)
    return DeniedRequest(code, " ".join(text.split()), words=tuple(words))


def _from_kubectl(arguments: Iterable[str], stderr: str) -> DeniedRequest | None:
    if any(sentence in stderr for sentence in _KUBECTL_401):
        return DeniedRequest(401, "Unauthorized", words=tuple(arguments))
    if denial := _FORBIDDEN.search(stderr):
        message = denial[1].splitlines()[0]
        return DeniedRequest(403, message, words=tuple(arguments))
    return None
