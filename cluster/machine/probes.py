"""Probe components and query the API server, with the standard library: for PID 1."""

import http.client
import json
import socket
import ssl
import urllib.parse
from collections.abc import Mapping
from pathlib import Path

from cluster.machine import layout as at
from cluster.machine.components import SERVES

#: seconds that one answer may take
TIMEOUT = 5.0


class Prober:
    """A client of the API server on a port of 127.0.0.1; the CA is read once."""

    def __init__(self, pki: str = at.PKI, port: int = at.API_PORT) -> None:
        """Read the CA and the super-admin's certificate."""
        self._server = f"https://127.0.0.1:{port}"
        self._tls = ssl.create_default_context(cafile=f"{pki}/ca.crt")
        self._tls.load_cert_chain(f"{pki}/super-admin.crt", f"{pki}/super-admin.key")

    def ready(self, how: str) -> bool:
        """Return whether the component is ready now."""
        return ready(how, self._tls)

    def api(
        self,
        method: str,
        path: str,
        body: dict | None = None,
        content_type: str = "application/json",
    ) -> tuple[int, dict]:
        """Call the API server as super-admin; return status code and document.

        Raise OSError while there is no whole answer.
        """
        sent = json.dumps(body) if body is not None else None
        headers = {"Content-Type": content_type}
        code, answer = _ask(self._server + path, self._tls, method, sent, headers)
        try:
            return code, json.loads(answer)
        except ValueError as error:
            # The server was killed in the middle of its answer.
            raise ConnectionError(str(error)) from error


def ready(how: str, tls: ssl.SSLContext | None = None) -> bool:
    """Return whether a URL answers with 200, or a unix socket accepts."""
    try:
        if not how.startswith("/"):
            return not how or _ask(how, tls)[0] == 200
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(TIMEOUT)
            client.connect(how)
    except OSError:
        return False  # not there yet
    return True


def readyz(port: int, ca: Path) -> bool:
    """Probe the API server behind a port of the host; raise OSError."""
    tls = ssl.create_default_context(cafile=ca)
    return _ask(f"https://127.0.0.1:{port}{SERVES}", tls)[0] == 200


def _ask(
    url: str,
    tls: ssl.SSLContext | None,
    method: str = "GET",
    body: str | None = None,
    headers: Mapping[str, str] = {},
) -> tuple[int, bytes]:
    """Return status code and content of an answer; raise OSError if there is none."""
    parts = urllib.parse.urlsplit(url)
    host = parts.hostname or ""
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(
            host, parts.port, timeout=TIMEOUT, context=tls
        )
    else:
        connection = http.client.HTTPConnection(host, parts.port, timeout=TIMEOUT)
    try:
        path = parts._replace(scheme="", netloc="").geturl()
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except http.client.HTTPException as error:
        raise ConnectionError(str(error)) from error
    finally:
        connection.close()
