"""Read from the API server of a kubeconfig over one connection that stays open.

It is quick from the first answer on: nothing is imported that one request does not
need, so no pandas, no client library and no cryptography.
"""

import contextlib
import http.client
import json
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from helpers import errors, tls

#: seconds for a connection, and for each piece of an answer
TIMEOUT = 30.0
#: how often a request is sent again if the server asks for that, as in kubectl
RETRIES = 10
#: overloaded, or just starting: nothing was done yet
_LATER = (429, 503)
#: how a connection that was kept turns out to be closed by the server
_CLOSED = (
    http.client.RemoteDisconnected,
    http.client.CannotSendRequest,
    BrokenPipeError,
    ConnectionResetError,
    ssl.SSLEOFError,
)


class Answer(NamedTuple):
    """The body of an answer, and what it is: `application/json` or another type."""

    content_type: str
    body: bytes


class ApiReader:
    """The API server of a kubeconfig, asked as its user.

    Every request goes over the same connection, which a block closes at its end. One
    thread at a time may use it.
    """

    def __init__(self, path: Path | None = None, *, timeout: float = TIMEOUT) -> None:
        """Read the kubeconfig at `path`, by default the one that `connect()` chose.

        Nothing is sent yet; `timeout` in seconds. Raise NotConnected before
        `connect()`, KubeconfigError for a file that shows no usable credential.
        """
        if path is None:
            from helpers.command import kubeconfig_in_use

            path = kubeconfig_in_use()
        access = tls.access(path)
        self.url = access.server
        self._token = access.token
        self._timeout = timeout
        place = urlsplit(access.server)
        self._prefix = place.path.rstrip("/")
        self._connection = http.client.HTTPSConnection(
            place.hostname or "",
            place.port or 443,
            timeout=timeout,
            context=access.context,
        )

    def ask(self, path: str, *, accept: str) -> Callable[[], Answer]:
        """Send a GET and return at once; call the result to get the Answer.

        The server works while the caller does something else. One request can be
        under way at a time. What `fetch` raises comes from either call.
        """
        kept = self._connection.sock is not None
        with self._explained(path):
            self._send(path, accept, again=kept)
        return lambda: self._receive(path, accept, again=kept)

    def fetch(self, path: str, *, accept: str = "application/json") -> Answer:
        """Return what is at `path` in the form that `accept` asks for.

        If the server says when to come again (429 or 503 with Retry-After), that is
        done. Raise ApiError, which keeps the server's Status, for any code from 400
        on; NotTrusted, NotReady without an answer in time, Unreachable. The same as
        `kubectl get --raw PATH`.
        """
        return self.ask(path, accept=accept)()

    def read(self, path: str, *, accept: str = "application/json") -> dict:
        """Return the JSON at `path`; the rest is as in `fetch`."""
        return json.loads(self.fetch(path, accept=accept).body)

    def close(self) -> None:
        """Close the connection; the next request opens a new one."""
        self._connection.close()

    def __enter__(self) -> Self:
        """Return it; nothing is opened before the first request."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self.close()

    def __repr__(self) -> str:
        """Return one line, without credentials."""
        return f"ApiReader: {self.url}"

    def _send(self, path: str, accept: str, *, again: bool) -> None:
        # Not gzip: the server would take longer for it than loopback does for all.
        headers = {"Accept": accept, "Accept-Encoding": "identity"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            self._connection.request("GET", self._prefix + path, headers=headers)
        except _CLOSED:
            if not again:
                raise
            self._connection.close()
            self._send(path, accept, again=False)

    def _receive(self, path: str, accept: str, *, again: bool) -> Answer:
        with self._explained(path):
            for left in range(RETRIES, -1, -1):
                reply = self._response(path, accept, again=again)
                body = reply.read()
                later = reply.headers.get("Retry-After")
                if not (left and later and reply.status in _LATER):
                    break
                time.sleep(float(later))
                self._send(path, accept, again=True)
        if reply.status >= 400:
            text = body.decode(errors="replace")
            raise errors.ApiError("GET", path, reply.status, text)
        return Answer(reply.headers.get_content_type(), body)

    def _response(
        self, path: str, accept: str, *, again: bool
    ) -> http.client.HTTPResponse:
        try:
            return self._connection.getresponse()
        except _CLOSED:
            if not again:
                raise
            self._connection.close()
            self._send(path, accept, again=False)
            return self._connection.getresponse()

    @contextlib.contextmanager
    def _explained(self, path: str) -> Iterator[None]:
        """Say what went wrong below HTTP, and leave no half-read answer behind."""
        try:
            yield
        except BaseException as error:
            self._connection.close()
            if isinstance(error, ssl.SSLCertVerificationError):
                raise errors.NotTrusted(
                    self.url, error.verify_code, error.verify_message
                ) from error
            if isinstance(error, TimeoutError):
                raise errors.NotReady(
                    f"An answer to GET {path}",
                    self._timeout,
                    "nothing",
                    "Look at `python -m helpers status`.",
                ) from error
            if isinstance(error, (OSError, http.client.HTTPException)):
                reason = getattr(error, "strerror", None) or type(error).__name__
                raise errors.Unreachable(self.url, reason) from error
            raise
