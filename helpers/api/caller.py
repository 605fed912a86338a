"""Send requests to an API server: anonymous, with a token, or as a kubeconfig's user.

As curl does with `--cacert`, alone or with `-H "Authorization: Bearer …"` or `--cert`.
"""

import os
import ssl
import tempfile
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx

from cluster.kubeconfig import Access, server_access, user_access
from helpers import errors
from helpers.command import kubeconfig_in_use, time_limit, wait
from helpers.language import mark, say

# Only for annotations: helpers.api.tokens loads slowly.
if TYPE_CHECKING:
    import pandas as pd

    from helpers.api.tokens import Token

#: seconds for a connection, and for one response
CONNECT, TIMEOUT = 10.0, 30.0
#: codes with which the server has done nothing and may ask for another try
BUSY = (429, 503)
#: how often a request is sent at most
ATTEMPTS = 11


@dataclass(frozen=True, repr=False)
class Reply:
    """A response; its code is `status`, all else is as in `httpx.Response`.

    The body of a stream is still to be read: `with` closes it.
    """

    response: httpx.Response

    @property
    def status(self) -> int:
        """Return the code: 200, 404."""
        return self.response.status_code

    def __getattr__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "response"), name)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *dir(self.response)]

    def __repr__(self) -> str:
        return repr(self.response)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.response.close()


class HttpClient(httpx.Client):
    """A client of httpx that sends a request again when the server asks for that.

    BUSY with Retry-After: while the storage of a new kind starts. The server has
    done nothing yet, so any verb is sent again, as kubectl does; a stream is not.
    """

    def __init__(self, **options: Any) -> None:
        """Take the options of `httpx.Client`."""
        # Proxies, netrc files and CA bundles of this machine do not count: the lesson
        # is who we are when we show nothing. Compression costs more than it saves here.
        super().__init__(
            trust_env=False,
            timeout=httpx.Timeout(TIMEOUT, connect=CONNECT),
            headers={"Accept-Encoding": "identity"},
            **options,
        )

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send a request and return the last response to it."""
        for left in reversed(range(ATTEMPTS)):
            reply = super().send(request, **options)
            pause = reply.headers.get("Retry-After", "")
            is_busy = reply.status_code in BUSY and pause.isdigit()
            if not (is_busy and left) or options.get("stream"):
                break
            time.sleep(int(pause))
        return reply


class Caller:
    """A client of one API server with one credential, or as `system:anonymous`.

    The repr masks the token, because a notebook shows the last value of a cell.
    """

    _renew: Callable[[], Access] | None = None

    def __init__(
        self, server: str, *, ca: str | Path | None, token: "str | Token | None" = None
    ) -> None:
        """Trust the authorities in `ca` (PEM file or text) for `server`, a URL."""
        text = token if token is None or isinstance(token, str) else token.text
        # The output of kubectl, and a file, end with a newline.
        self._become(Access(server, token=text and text.strip()), trust(ca))

    @classmethod
    def from_kubeconfig(cls, path: Path) -> "Caller":
        """Return a client for the user of the current context.

        After a 401 the credential is read again: from the plugin, or from the token
        file. Raise KubeconfigError if the user has none.
        """
        caller = cls._from_access(user_access(path))
        caller._renew = lambda: user_access(path)
        return caller

    @classmethod
    def bearer(cls, token: "Token | None" = None) -> "Caller":
        """Return a client of the connected cluster, with a token or anonymous.

        Raise NotConnected before `connect()`.
        """
        access = server_access(kubeconfig_in_use())
        return cls._from_access(replace(access, token=token.text if token else None))

    @classmethod
    def _from_access(cls, access: Access) -> "Caller":
        caller = cls.__new__(cls)
        caller._become(access, tls_context(access))
        return caller

    def get(self, path: str, **options: Any) -> Reply:
        """Send a GET, as `request` does. The same as `curl SERVER/PATH`."""
        return self.request("GET", path, **options)

    def read(self, path: str, *, accept: str = "application/json") -> dict:
        """Return the JSON at `path`, in the form that `accept` asks for.

        Raise ApiError, which keeps the server's Status, for any code from 400 on. The
        same as `kubectl get --raw PATH`.
        """
        return json_of(path, self.get(path, headers={"Accept": accept}))

    def request(
        self,
        method: str,
        path: str,
        *,
        body: dict | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """Send one request, with `body` as JSON; return `status`, `headers`, `json()`.

        401 and 403 are values. A PATCH is a JSON merge patch. Raise NotTrusted if the
        server's certificate is refused, Unreachable without a response. The same as
        `curl -X METHOD SERVER/PATH`.
        """
        headers = headers or {}
        if body is not None:
            kind = "merge-patch+json" if method == "PATCH" else "json"
            headers = {**headers, "Content-Type": f"application/{kind}"}
        return self._send(method, path, headers, json=body)

    def stream(self, path: str, *, headers: dict[str, str], silence: float) -> Reply:
        """Send one GET and return the response before its body has arrived.

        Read it with `iter_bytes()`, and close it; `silence` is how many seconds may
        pass between two pieces. Raise what `get` raises.
        """
        timeout = httpx.Timeout(silence, connect=CONNECT)
        return self._send("GET", path, headers, stream=True, timeout=timeout)

    def wait_for(
        self, status: int, path: str, *, timeout: float | None = None
    ) -> float:
        """Send GETs until the response has `status`; return the seconds it took.

        Raise NotReady with the last status after `timeout` seconds.
        """

        def look(_: float) -> tuple[bool, str]:
            answer = self.get(path).status
            return answer == status, f"{answer}"

        what = say("{status} on {path}", status=status, path=path)
        return wait(look, time_limit(TIMEOUT, timeout), what)[1]

    def _become(self, access: Access, context: ssl.SSLContext) -> None:
        """Use this credential from now on."""
        self._access, self.server = access, access.server.rstrip("/")
        self._client = HttpClient(verify=context, proxy=access.proxy or None)
        weakref.finalize(self, self._client.close)

    def _send(
        self, method: str, path: str, headers: dict[str, str], **options: Any
    ) -> Reply:
        reply = self._send_once(method, path, headers, **options)
        if reply.status == 401 and self._renew:
            renewed = self._renew()
            if renewed != self._access:
                reply.close()
                self._become(renewed, tls_context(renewed))
                reply = self._send_once(method, path, headers, **options)
        return reply

    def _send_once(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        *,
        stream: bool = False,
        **options: Any,
    ) -> Reply:
        if self._access.token:
            headers = {**headers, "Authorization": f"Bearer {self._access.token}"}
        if self._access.server_name:
            options["extensions"] = {"sni_hostname": self._access.server_name}
        url = url_of(self.server, path)
        request = self._client.build_request(method, url, headers=headers, **options)
        try:
            return Reply(self._client.send(request, stream=stream))
        except httpx.HTTPError as error:
            # httpcore keeps the reason as the argument of its own error.
            cause = error.__cause__
            reason = cause.args[0] if cause and cause.args else error
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise errors.NotTrusted(
                    self.server, reason.verify_code, reason.verify_message
                ) from error
            words = getattr(reason, "strerror", "") or str(reason).rstrip(".")
            if isinstance(error, httpx.LocalProtocolError):
                # The error quotes the header, and so the token.
                words = type(error).__name__
            raise errors.Unreachable(self.server, words) from error

    @property
    def credential_kind(self) -> str:
        """Return the kind of credential: "token", "certificate" or "nothing"."""
        if self._access.token:
            return "token"
        return "certificate" if self._access.certificate else "nothing"

    def __repr__(self) -> str:
        server, token = self.server, self._access.token
        if token:
            text = mark("Caller of {server} with a token of {count} characters")
            return say(text, server=server, count=len(token))
        if self._access.certificate:
            return say("Caller of {server} with a client certificate", server=server)
        return say("Caller of {server} without a credential", server=server)


def status_table(callers: Mapping[str, Caller], paths: list[str]) -> "pd.DataFrame":
    """Let each caller send a GET for each path; return the statuses as a DataFrame.

    The rows are the paths, the columns the names of the callers.
    """
    import pandas as pd

    columns = {
        name: [caller.get(path).status for path in paths]
        for name, caller in callers.items()
    }
    return pd.DataFrame(columns, index=paths)


def url_of(server: str, path: str) -> str:
    """Return the URL of a path of the API; raise LabError for what is no path."""
    if not path.startswith("/"):
        hint = say("A path begins with `/`, and has no address before it.")
        raise errors.LabError(say("{path!r} is no path.", path=path), hint)
    return server + path


def json_of(path: str, reply: Reply) -> dict:
    """Return the JSON of a response to a GET of `path`; raise ApiError from 400 on."""
    if reply.status >= 400:
        raise errors.ApiError("GET", path, reply.status, reply.text)
    return reply.json()


def trust(ca: str | Path | None) -> ssl.SSLContext:
    """Return a TLS context that trusts the authorities in `ca` and no others.

    Raise CertificateError if `ca` holds none. None means this machine's own list.
    """
    text = ca.read_text() if isinstance(ca, Path) else ca
    try:
        return ssl.create_default_context(cadata=text)
    except ssl.SSLError as error:
        where = str(ca) if isinstance(ca, Path) else say("the text")
        message = say("There is no certificate here.")
        raise errors.CertificateError(where, message) from error


def tls_context(access: Access) -> ssl.SSLContext:
    """Return the TLS context of `access`: its authorities and its certificate."""
    context = trust(access.authority)
    if access.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if access.certificate:
        # The ssl module reads files only: a private one, in memory where possible, so
        # that no key is on a disk.
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        try:
            with tempfile.NamedTemporaryFile("w", dir=memory) as file:
                file.write(f"{access.certificate}\n{access.key}\n")
                file.flush()
                context.load_cert_chain(file.name)
        except ssl.SSLError as error:
            message = say("The certificate and the key do not fit.")
            where = say("the user in the kubeconfig")
            raise errors.CertificateError(where, message) from error
    return context
