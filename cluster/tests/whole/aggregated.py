"""An aggregated API server: it believes the front proxy about who is asking.

Its pod's ServiceAccount reads, as every such server does, which CA and which name the
front proxy has.
"""

import json
import ssl
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
CONFIG = (
    "https://kubernetes.default.svc/api/v1/namespaces/kube-system/configmaps/"
    "extension-apiserver-authentication"
)


def front_proxy() -> dict:
    """Return the ConfigMap that tells of the front proxy."""
    token = ACCOUNT.joinpath("token").read_text()
    request = urllib.request.Request(
        CONFIG, headers={"Authorization": f"Bearer {token}"}
    )
    trusted = ssl.create_default_context(cafile=ACCOUNT / "ca.crt")
    with urllib.request.urlopen(request, context=trusted) as answer:
        return json.load(answer)["data"]


class Handler(BaseHTTPRequestHandler):
    """Answers with who the front proxy says is asking."""

    def do_GET(self) -> None:
        [name] = [
            value
            for part in self.connection.getpeercert()["subject"]
            for key, value in part
            if key == "commonName"
        ]
        allowed = name in json.loads(FRONT_PROXY["requestheader-allowed-names"])
        who = {"user": self.headers["X-Remote-User"]}
        who["groups"] = self.headers.get_all("X-Remote-Group", [])
        body = json.dumps(who).encode()
        self.send_response(200 if allowed else 403)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


FRONT_PROXY = front_proxy()
context = ssl.create_default_context(
    ssl.Purpose.CLIENT_AUTH, cadata=FRONT_PROXY["requestheader-client-ca-file"]
)
context.verify_mode = ssl.CERT_REQUIRED
context.load_cert_chain("/tls/tls.pem")
server = HTTPServer(("", 8443), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
