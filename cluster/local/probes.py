"""Ask a component whether it is ready, and the API server for what PID 1 needs.

Standard library only, one short connection per question: used by PID 1.
"""

import http.client
import json
import socket
import ssl
import urllib.parse
from pathlib import Path

from cluster.local import layout as at
from cluster.local.components import Connect, Get

#: seconds that one answer may take
TIMEOUT = 5.0


class Prober:
    """Holds the TLS context, so that the CA is read once.

    `pki` is the directory of the keys, `port` the API server's on 127.0.0.1.
    """

    def __init__(self, pki: str = at.PKI, port: int = at.API_PORT) -> None:
        """Read the CA and the super-admin's certificate."""
        self._port = port
        self._tls = ssl.create_default_context(cafile=f"{pki}/ca.crt")
        self._tls.load_cert_chain(f"{pki}/super-admin.crt", f"{pki}/super-admin.key")

    def ready(self, how: Get | Connect | None) -> bool:
        """Say whether the component answers as it should, now."""
        return ready(how, self._tls)

    def api(
        self,
        method: str,
        path: str,
        body: dict | None = None,
        content_type: str = "application/json",
    ) -> tuple[int, dict]:
        """Call the API server as super-admin; return status code and document.

        Raise OSError while it does not answer, or answers with something broken.
        """
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self._port, context=self._tls, timeout=TIMEOUT
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
        except (http.client.HTTPException, ValueError) as error:
            # It was killed in the middle of its answer.
            raise ConnectionError(str(error)) from error
        finally:
            connection.close()


def ready(how: Get | Connect | None, tls: ssl.SSLContext | None = None) -> bool:
    """Say whether a component answers as it should, now; `tls` is for https."""
    match how:
        case None:
            return True
        case Get(url):
            return _get(url, tls) == 200
        case Connect(path):
            return _connects(path)


def _get(url: str, tls: ssl.SSLContext | None) -> int:
    parts = urllib.parse.urlsplit(url)
    kind = http.client.HTTPConnection
    options = {}
    if parts.scheme == "https":
        kind, options = http.client.HTTPSConnection, {"context": tls}
    connection = kind(parts.hostname, parts.port, timeout=TIMEOUT, **options)
    try:
        connection.request("GET", parts._replace(scheme="", netloc="").geturl())
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0  # not there yet
    finally:
        connection.close()


def readyz(port: int, ca: Path) -> bool:
    """Ask the API server behind a port of the host whether it is ready.

    Everybody may ask that. Raise OSError if there is no answer.
    """
    tls = ssl.create_default_context(cafile=ca)
    connection = http.client.HTTPSConnection(
        "127.0.0.1", port, context=tls, timeout=TIMEOUT
    )
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except http.client.HTTPException as error:
        raise ConnectionError(str(error)) from error
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
