"""Ask a component whether it is ready, and the API server for what PID 1 needs.

Standard library only, one short connection per question: used by PID 1.
"""

import http.client
import json
import socket
import ssl
import urllib.parse

from helpers.local import layout as at
from helpers.local.components import Connect, Get

#: seconds that one answer may take
TIMEOUT = 5.0


class Prober:
    """Holds the TLS context, so that the CA is read once."""

    def __init__(self) -> None:
        """Read the CA and the super-admin's certificate."""
        self._tls = ssl.create_default_context(cafile=f"{at.PKI}/ca.crt")
        self._tls.load_cert_chain(
            f"{at.PKI}/super-admin.crt", f"{at.PKI}/super-admin.key"
        )

    def ready(self, how: Get | Connect | None) -> bool:
        """Say whether the component answers as it should, now."""
        match how:
            case None:
                return True
            case Get(url):
                return self._get(url) == 200
            case Connect(path):
                return _connects(path)

    def api(
        self,
        method: str,
        path: str,
        body: dict | None = None,
        content_type: str = "application/json",
    ) -> tuple[int, dict]:
        """Call the API server as super-admin; return status code and document."""
        connection = http.client.HTTPSConnection(
            "127.0.0.1", at.API_PORT, context=self._tls, timeout=TIMEOUT
        )
        try:
            connection.request(
                method,
                path,
                json.dumps(body) if body is not None else None,
                {"Content-Type": content_type},
            )
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def _get(self, url: str) -> int:
        parts = urllib.parse.urlsplit(url)
        kind = http.client.HTTPConnection
        options = {}
        if parts.scheme == "https":
            kind, options = http.client.HTTPSConnection, {"context": self._tls}
        connection = kind(parts.hostname, parts.port, timeout=TIMEOUT, **options)
        try:
            connection.request("GET", parts.path)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0  # not there yet
        finally:
            connection.close()


def _connects(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(TIMEOUT)
        try:
            client.connect(path)
        except OSError:
            return False
        return True
