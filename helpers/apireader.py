"""Read from the API server of a kubeconfig over one connection that stays open.

It is quick from the first answer on: nothing is imported that one request does not
need, so no pandas, no client library and no cryptography.
"""

import contextlib
import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import urlsplit

# Not http.client: it brings a parser for mail, which takes as long to import as TLS
# does, and reads a list, of which each object is a chunk, half as fast.
import httptools

from cluster import errors, tls

#: seconds for a connection, and for each piece of an answer
TIMEOUT = 30.0
#: how often a request is sent again if the server asks for that, as in kubectl
RETRIES = 10
#: bytes to take at a time; TLS gives 16 kB at most
_PIECE = 1 << 16
#: overloaded, or just starting: nothing was done yet
_LATER = (429, 503)


class _Closed(ConnectionError):
    """The server closed the connection before it said anything."""

    strerror = "the connection was closed"


#: Called with the URL, the head that was sent, what came and when the request began
#: (monotonic), while a wire log is open.
on_answer: Callable[[str, bytes, "_Reply", float], None] | None = None

#: how a connection that was kept turns out to be closed by the server
_CLOSED = (_Closed, BrokenPipeError, ConnectionResetError, ssl.SSLEOFError)


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
        self._place = urlsplit(access.server)
        self._context = access.context
        self._socket: ssl.SSLSocket | None = None
        self._waiting = False
        self._sent = ("", b"", 0.0)

    def ask(self, path: str, *, accept: str) -> Callable[[], Answer]:
        """Send a GET and return at once; call the result to get the Answer.

        The server works while the caller does something else. One request can be
        under way at a time. What `fetch` raises comes from either call.
        """
        if self._waiting:
            # Nobody took the last answer, and it must not become this one's.
            self.close()
        kept = self._socket is not None
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
        self._waiting = False
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __enter__(self) -> Self:
        """Return it; nothing is opened before the first request."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self.close()

    def __repr__(self) -> str:
        """Return one line, without credentials."""
        return f"ApiReader: {self.url}"

    def _connect(self) -> ssl.SSLSocket:
        host, port = self._place.hostname or "", self._place.port or 443
        plain = socket.create_connection((host, port), self._timeout)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return self._context.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise

    def _send(self, path: str, accept: str, *, again: bool) -> None:
        lines = [
            f"GET {self._place.path.rstrip('/')}{path} HTTP/1.1",
            f"Host: {self._place.netloc}",
            f"Accept: {accept}",
            # Not gzip: it takes the server longer than loopback takes for all.
            "Accept-Encoding: identity",
        ]
        if self._token:
            lines.append(f"Authorization: Bearer {self._token}")
        try:
            self._socket = self._socket or self._connect()
            head = "\r\n".join([*lines, "", ""]).encode()
            self._sent = (path, head, time.monotonic())
            self._socket.sendall(head)
            self._waiting = True
        except _CLOSED:
            if not again:
                raise
            self.close()
            self._send(path, accept, again=False)

    def _receive(self, path: str, accept: str, *, again: bool) -> Answer:
        with self._explained(path):
            for left in range(RETRIES, -1, -1):
                reply = self._response(path, accept, again=again)
                later = reply.headers.get("retry-after")
                if not (left and later and reply.status in _LATER):
                    break
                time.sleep(float(later))
                self._send(path, accept, again=True)
        body = b"".join(reply.body)
        if reply.status >= 400:
            text = body.decode(errors="replace")
            raise errors.ApiError("GET", path, reply.status, text)
        kind = reply.headers.get("content-type", "").partition(";")[0]
        return Answer(kind, body)

    def _response(self, path: str, accept: str, *, again: bool) -> "_Reply":
        try:
            return self._read()
        except _CLOSED:
            if not again:
                raise
            self.close()
            self._send(path, accept, again=False)
            return self._read()

    def _read(self) -> "_Reply":
        reply = _Reply()
        parser = reply.parser = httptools.HttpResponseParser(reply)
        while not reply.complete:
            piece = self._socket.recv(_PIECE)
            if not piece:
                raise _Closed
            parser.feed_data(piece)
        self._waiting = False
        if on_answer is not None:
            path, head, began = self._sent
            on_answer(self.url.rstrip("/") + path, head, reply, began)
        if not reply.stays_open:
            self.close()
        return reply

    @contextlib.contextmanager
    def _explained(self, path: str) -> Iterator[None]:
        """Say what went wrong below HTTP, and leave no half-read answer behind."""
        try:
            yield
        except BaseException as error:
            self.close()
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
            if isinstance(error, httptools.HttpParserError):
                reason = "it does not speak HTTP"
                raise errors.Unreachable(self.url, reason) from error
            if isinstance(error, OSError):
                reason = error.strerror or type(error).__name__
                raise errors.Unreachable(self.url, reason) from error
            raise


class _Reply:
    """Collects what the parser finds in the bytes of one answer."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body: list[bytes] = []
        self.complete = self.stays_open = False
        self.parser: httptools.HttpResponseParser | None = None
        self.on_body = self.body.append

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode().lower()] = value.decode()

    def on_headers_complete(self) -> None:
        # At the end of the message the parser has forgotten both.
        self.status = self.parser.get_status_code()
        self.stays_open = self.parser.should_keep_alive()

    def on_message_complete(self) -> None:
        # They would hold each other, and the body, until somebody searches for that.
        self.parser, self.complete = None, True
