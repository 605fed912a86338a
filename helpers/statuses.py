"""Read a refusal out of whatever a learner holds: an error, an answer, a Status.

Curl, kubectl, `requests` and the Python client wrap the same sentence of the server
in four ways. What it means is `access.py`'s matter.
"""

import json
import re
from dataclasses import dataclass

from cluster import errors

#: what kubectl says on 401; it does not show the server's Status
_KUBECTL_401 = (
    "You must be logged in to the server",
    "the server has asked for the client to provide credentials",
)
_FORBIDDEN = re.compile(
    r"(?:\(Forbidden\): |unable to upgrade connection: |\(forbidden\): )(.*)", re.DOTALL
)
_NAMESPACED = re.compile(
    r"/api/v1/namespaces/(?P<namespace>[a-z0-9-]+)/pods/(?P<name>[a-z0-9.-]+)/"
    r"(?P<subresource>exec|attach|portforward)"
)


@dataclass(frozen=True)
class Refusal:
    """A 401 or 403 as the server meant it, and what is known of the request.

    `message` is the server's sentence, `kind` and `name` the resource and the object
    that its Status names, `words` the command line or URL that was refused.
    """

    code: int
    message: str
    kind: str = ""
    group: str = ""
    name: str = ""
    words: tuple[str, ...] = ()

    @classmethod
    def read(cls, error) -> "Refusal":
        """Read any of the forms; raise NotExplainable for what is no 401 or 403."""
        for form, read in _FORMS:
            if form(error):
                found = read(error)
                break
        else:
            raise errors.NotExplainable(f"a {type(error).__name__}")
        if found is None or found.code not in (401, 403):
            fact = f"code {found.code}: {found.message}" if found else "no refusal"
            raise errors.NotExplainable(f"a {type(error).__name__} with {fact}")
        return found

    def option(self, *names: str) -> str:
        """Return the value of an option of the refused command, or nothing."""
        for at, word in enumerate(self.words):
            key, equals, value = word.partition("=")
            if key in names:
                return value if equals else "".join(self.words[at + 1 : at + 2])
            if word == "--":
                break
        return ""

    @property
    def upgrade(self) -> dict[str, str]:
        """Return namespace, name and subresource of an exec and the like in a URL."""
        for word in self.words:
            if found := _NAMESPACED.search(word):
                return found.groupdict()
        return {}


def from_status(status: dict, words: tuple = ()) -> Refusal:
    """Read a Status object, as it comes in the body of an answer."""
    details = status.get("details") or {}
    return Refusal(
        status.get("code", 0),
        status.get("message", ""),
        details.get("kind", ""),
        details.get("group", ""),
        details.get("name", ""),
        tuple(words),
    )


def _from_text(code: int, text: str, words: tuple = ()) -> Refusal:
    status = find_status(text)
    if status is not None:
        return from_status(status, words)
    return Refusal(code, " ".join(text.split()), words=tuple(words))


def find_status(text: str) -> dict | None:
    """Return the first Status object in a text, or None if it holds none."""
    decoder = json.JSONDecoder()
    for found in re.finditer(r"\{", text or ""):
        try:
            value, _ = decoder.raw_decode(text, found.start())
        except ValueError:
            continue
        if isinstance(value, dict) and value.get("kind") == "Status":
            return value
    return None


def _from_kubectl(arguments, stderr: str) -> Refusal | None:
    if any(sentence in stderr for sentence in _KUBECTL_401):
        return Refusal(401, "Unauthorized", words=tuple(arguments))
    if found := _FORBIDDEN.search(stderr):
        message = found[1].splitlines()[0]
        return Refusal(403, message, words=tuple(arguments))
    return None


def _from_completed(done) -> Refusal | None:
    status = find_status(done.stdout)
    if status is not None:
        return from_status(status, tuple(done.args))
    return _from_kubectl(done.args, done.stderr)


def _from_response(reply) -> Refusal:
    """Read an answer of `Caller`, which is urllib3's, or one of `requests`."""
    if hasattr(reply, "status_code"):
        return _from_text(reply.status_code, reply.text, (reply.url,))
    text = reply.data.decode(errors="replace")
    return _from_text(reply.status, text, (reply.geturl() or "",))


def _from_exception(error) -> Refusal:
    # A refused WebSocket has status 0 and everything in `reason`; a watch no body.
    reason = error.reason or ""
    found = re.search(r"Handshake status (\d{3})", reason)
    code = int(found[1]) if found else error.status
    return _from_text(code, error.body or reason)


def _is_exception(error) -> bool:
    # By shape: to import the Python client takes longer than all of this.
    return all(hasattr(error, name) for name in ("status", "reason", "body"))


_FORMS = (
    (lambda e: isinstance(e, dict), from_status),
    (lambda e: isinstance(e, str), lambda e: _from_text(0, e)),
    (
        lambda e: isinstance(e, errors.KubectlFailed),
        lambda e: _from_kubectl(e.arguments, e.stderr),
    ),
    (
        lambda e: all(hasattr(e, n) for n in ("args", "stdout", "stderr")),
        _from_completed,
    ),
    (lambda e: hasattr(e, "headers") and hasattr(e, "iter_content"), _from_response),
    (lambda e: hasattr(e, "headers") and hasattr(e, "geturl"), _from_response),
    (_is_exception, _from_exception),
)
