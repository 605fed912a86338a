"""Define the errors of helpers, beside those of `cluster.errors`."""

import json
import signal
import textwrap

from cluster.errors import (
    KubeconfigError as KubeconfigError,
    LabError as LabError,
    MissingTool as MissingTool,
    NoNode as NoNode,
    NoSigningKey as NoSigningKey,
    NotReady as NotReady,
    Unreachable as Unreachable,
    without_tokens as without_tokens,
)
from helpers.language import mark, say


class NotConnected(LabError):
    """A helper was called before `connect()`."""

    def __init__(self) -> None:
        super().__init__(
            say("No cluster is connected in this notebook."),
            say("Run the cell with `cluster = connect()` first."),
        )


class ClusterDown(LabError):
    """The cluster of this notebook gives no answer; `phase` is that of its status."""

    def __init__(self, phase: str) -> None:
        self.phase = phase
        if phase in ("starting", "not answering"):
            text = say("The cluster does not answer.")
            hint = say("Wait a little; `.venv/bin/kapi status` says why.")
        else:
            text = say("The cluster does not run.")
            hint = say("Run `connect()` in a cell of its own: it starts the cluster.")
        super().__init__(text, hint)


class KubectlFailed(LabError):
    """kubectl ended with an error; its own words are the message."""

    def __init__(self, args: list[str], exit_code: int, stderr: str) -> None:
        self.arguments, self.exit_code, self.stderr = args, exit_code, stderr
        # A script that was sent to a pod has lines of its own.
        line = textwrap.shorten(" ".join(args), 100, placeholder=" …")
        message = say("kubectl {line}: exit code {code}", line=line, code=exit_code)
        super().__init__(message, stderr.strip())


class DoesNotEnd(LabError):
    """A command of kubectl was ended because it did not end; `waited` in seconds."""

    def __init__(self, args: list[str], waited: float) -> None:
        self.arguments, self.waited = args, waited
        line = textwrap.shorten(" ".join(args), 100, placeholder=" …")
        text = mark("kubectl {line}: ended, because it still ran after {waited:.0f} s.")
        hint = say(
            "The API server responds: does the command follow something (`-w`, `-f`), "
            "or wait for input or for a program that never ends?"
        )
        super().__init__(say(text, line=line, waited=waited), hint)


class NotSolved(LabError):
    """An exercise is not solved yet: one sentence says where, and why."""


class Undecided(LabError):
    """A check cannot tell yet whether an answer is right; `what` it waited for.

    `seen` is how that stood last. Nothing is noted: this is no attempt.
    """

    def __init__(self, what: str, seen: str = "") -> None:
        self.what, self.seen = what, seen
        state = f" ({seen.strip().rstrip('.')})" if seen.strip() else ""
        text = mark("Not decided: the check still waits for {what}{state}.")
        hint = say("Run this cell again: this does not count as an attempt.")
        super().__init__(say(text, what=what, state=state), hint)


class NotAToken(LabError):
    """A text or a file is not a ServiceAccount token; `reason` shows none of it."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            say("This is no token: {reason}.", reason=reason),
            say("Take one with `create_token(ACCOUNT)` or `read_token(POD)`."),
        )


class CertificateError(LabError):
    """A text or a file holds no usable certificate; `where` names the place."""

    def __init__(self, where: str, message: str) -> None:
        self.where = where
        hint = say("A certificate in PEM begins -----BEGIN CERTIFICATE.")
        super().__init__(f"{where}: {message}", hint)


class NotTrusted(LabError):
    """A server's certificate was refused; `code` is OpenSSL's, such as 20 or 62."""

    def __init__(self, server: str, code: int, message: str) -> None:
        self.server, self.code = server, code
        if code in (9, 10):  # not yet valid, expired
            hint = say("Compare its dates with this machine's clock: one is off.")
        else:
            hint = say("Give the authority that signed it, and a name that is in it.")
        text = mark("The certificate of {server} is refused ({code}): {message}.")
        super().__init__(say(text, **vars(self), message=message), hint)


class ApiError(LabError):
    """The API server refused a request; `body` is the Status object as text.

    `hint` is the server's sentence; `status`, `reason` and `body` are as in the
    exceptions of the Python client.
    """

    def __init__(self, method: str, path: str, status: int, body: str) -> None:
        self.method, self.path = method, path
        self.status, self.body = status, body
        try:
            answer = json.loads(body)
        except ValueError:
            answer = None
        answer = answer if isinstance(answer, dict) else {"message": body.strip()[:200]}
        self.reason = answer.get("reason", "")
        message = f"{method} {path}: {status} {self.reason}".rstrip()
        super().__init__(message, answer.get("message", ""))


class ProxyEnded(LabError):
    """`kubectl proxy` does not run; `exit_code` is negative if a signal ended it."""

    def __init__(self, exit_code: int | None, words: str) -> None:
        self.exit_code, self.words = exit_code, words
        # With the same arguments it would end again.
        stopped = exit_code is None or exit_code <= 0
        again = say("Start it (again): `proxy.start()`.") if stopped else ""
        super().__init__(_proxy_end(exit_code, words), again)


def _proxy_end(exit_code: int | None, words: str) -> str:
    if not exit_code or exit_code == -signal.SIGTERM:
        return say("kubectl proxy does not run.")
    if exit_code < 0:
        name = signal.Signals(-exit_code).name
        return say("kubectl proxy was ended by {signal}.", signal=name)
    message = say("kubectl proxy ended with exit code {code}.", code=exit_code)
    return f"{message}\n{words}".rstrip()


class UnknownKind(LabError):
    """A kind, a version or a group that the server does not describe."""

    def __init__(self, api_version: str, kind: str, names: list[str]) -> None:
        self.api_version, self.kind, self.names = api_version, kind, names
        if kind:
            text = mark("The server describes no kind {kind} in {api_version}.")
        else:
            text = mark("The server does not describe {api_version}.")
        hint = say("It has {names}.", names=closest_names(kind or api_version, names))
        super().__init__(say(text, **vars(self)), hint)


def closest_names(name: str, names: list[str]) -> str:
    """Return the names that are closest to `name`, or else the first."""
    import difflib  # not on top: every helper imports this module

    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        return ", ".join(close)
    first = ", ".join(names[:8])
    return f"{first}, … ({len(names)})" if len(names) > 8 else first
