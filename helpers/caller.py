"""Ask an API server as somebody: nobody, a token, the user of a kubeconfig.

It is curl's `--cacert` with one of nothing, `-H "Authorization: Bearer …"` or
`--cert`; it explains nothing and knows no kinds: that is for lessons and libraries.
"""

import ssl
import time
from pathlib import Path

import urllib3

from cluster import errors, progress, tls
from helpers.command import kubeconfig_in_use
from helpers.tokens import Token

#: seconds for one answer
TIMEOUT = 10.0


class Caller:
    """Somebody who asks an API server, and is asked for credentials in return.

    Without a token and a certificate it is `system:anonymous`. Its repr masks the
    token: a notebook shows what stands last in a cell.
    """

    def __init__(
        self,
        server: str,
        *,
        ca: str | Path,
        token: str | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        """Trust the authorities in `ca` (PEM file or text) for `server`, a URL.

        `context` takes the place of `ca`: TLS with whatever it trusts and shows.
        """
        self.server = server.rstrip("/")
        self._token = token
        self._certified = False
        # Not requests: it would heed proxies, netrc files and CA bundles of this
        # machine, and the lesson is who we are when we show nothing.
        self._pool = urllib3.PoolManager(
            ssl_context=context or tls.trust(ca), retries=False
        )

    @classmethod
    def from_kubeconfig(cls, path: Path) -> "Caller":
        """Return the user of the current context: its certificate or its token.

        Raise KubeconfigError if it has neither, as with a credential plugin.
        """
        cluster, user = tls.current_entries(path)
        ca = tls.pem_of(cluster, "certificate-authority", path)
        certificate = tls.pem_of(user, "client-certificate", path)
        key = tls.pem_of(user, "client-key", path)
        if ca is None or not (user.get("token") or (certificate and key)):
            fact = "shows no certificate, key and authority, and no token."
            raise errors.KubeconfigError(path, fact, "kubectl alone can use it.")
        if user.get("token"):
            return cls(cluster["server"], ca=ca, token=user["token"])
        context = tls.trust(ca)
        tls.load_pair(context, certificate, key)
        caller = cls(cluster["server"], ca=ca, context=context)
        caller._certified = True
        return caller

    @classmethod
    def bearer(cls, token: Token | None = None) -> "Caller":
        """Return whoever holds a token, at the connected cluster; without one, nobody.

        Raise NotConnected before `connect()`. Nothing of the kubeconfig's user is used.
        """
        path = kubeconfig_in_use()
        cluster, _ = tls.current_entries(path)
        ca = tls.pem_of(cluster, "certificate-authority", path)
        context = tls.trust(ca)
        return cls(
            cluster["server"], ca="", token=token and token.text, context=context
        )

    def get(self, path: str) -> urllib3.BaseHTTPResponse:
        """Send one GET and return the answer: `status`, `headers`, `json()`, `data`.

        401 and 403 are answers. Raise NotTrusted if the server's certificate is
        refused, Unreachable if nothing answers. The same as `curl SERVER/PATH`.
        """
        return self.request("GET", path)

    def stream(
        self, path: str, *, headers: dict[str, str], silence: float
    ) -> urllib3.BaseHTTPResponse:
        """Send one GET and return its answer before the body has come.

        Read it with `stream()`, and close it; `silence` is how many seconds may pass
        between two pieces. It has a connection of its own. Raises what `get` raises.
        """
        timeout = urllib3.Timeout(connect=TIMEOUT, read=silence)
        return self._send("GET", path, headers, timeout=timeout, preload_content=False)

    def wait_for(self, status: int, path: str, *, timeout: float = 30.0) -> float:
        """Send GETs until one is answered with `status`; return the seconds it took.

        Raise NotReady with the last status after `timeout` seconds.
        """
        began = time.monotonic()
        view = None
        while (answer := self.get(path).status) != status:
            waited = time.monotonic() - began
            if waited >= timeout:
                raise errors.NotReady(f"{status} on {path}", waited, f"{answer}")
            view = view or progress.for_here()
            view.update(f"waiting for {status}, still {answer}")
            time.sleep(0.1)
        waited = time.monotonic() - began
        if view:
            view.finish(f"{status} after {waited:.1f} s")
        return waited

    def request(
        self, method: str, path: str, *, body: dict | None = None
    ) -> urllib3.BaseHTTPResponse:
        """Send one request with any method, and `body` as JSON; see `get`.

        A PATCH is a JSON merge patch. The same as `curl -X METHOD SERVER/PATH`.
        """
        headers = {}
        if body is not None:
            kind = "merge-patch+json" if method == "PATCH" else "json"
            headers["Content-Type"] = f"application/{kind}"
        return self._send(method, path, headers, json=body, timeout=TIMEOUT)

    def _send(
        self, method: str, path: str, headers: dict[str, str], **options
    ) -> urllib3.BaseHTTPResponse:
        if self._token:
            headers = {**headers, "Authorization": f"Bearer {self._token}"}
        try:
            return self._pool.request(
                method, self.server + path, headers=headers, **options
            )
        except urllib3.exceptions.SSLError as error:
            # urllib3 keeps the reason of OpenSSL as the argument of its own error.
            refusal = error.args[0]
            if isinstance(refusal, ssl.SSLCertVerificationError):
                raise errors.NotTrusted(
                    self.server, refusal.verify_code, refusal.verify_message
                ) from error
            raise errors.Unreachable(self.server, str(refusal)) from error
        except urllib3.exceptions.HTTPError as error:
            raise errors.Unreachable(self.server, _reason(error)) from error

    @property
    def shows(self) -> str:
        """Return what it shows of itself: "token", "certificate" or "nothing"."""
        if self._token:
            return "token"
        return "certificate" if self._certified else "nothing"

    def __repr__(self) -> str:
        """Return one line: who asks whom, without the token."""
        who = "nobody"
        if self._token:
            who = f"a token of {len(self._token)} characters"
        elif self._certified:
            who = "a client certificate"
        return f"Caller: {who} asks {self.server}"


def _reason(error: urllib3.exceptions.HTTPError) -> str:
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        cause = error.__cause__
        return cause.strerror if isinstance(cause, OSError) else str(error)
    return str(error)
