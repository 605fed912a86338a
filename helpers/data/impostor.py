"""Run a command in a copy of a pod, against a server in the place of the API server.

`sys.argv` is the server's name, and the command for `sh -c`. The copy's three files are
made anew. A server `localhost` has the certificate in `ca.crt`; one of another name is
an impostor. Print as JSON by which names clients came (`reached`), and the path and
credential of each request (`heard`), never a token.
"""

import contextlib
import http.server
import json
import os
import secrets
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

FILES = Path("/var/run/secrets/kubernetes.io/serviceaccount")
TOKEN = secrets.token_hex()
_SIGN = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days 1 "
    "-subj /CN=localhost -addext keyUsage=critical,digitalSignature,keyCertSign "
    "-addext subjectAltName=DNS:localhost,DNS:kubernetes.default.svc"
)
#: for each client the name that it looked for, before it saw the certificate
reached: list[str | None] = []
#: for each request its path, and "own" if the credential is the file's, "other", or ""
heard: list[tuple[str, str]] = []


class Server(http.server.BaseHTTPRequestHandler):
    """Answer every GET with an empty list of pods."""

    def do_GET(self) -> None:
        """Note the request, and answer it."""
        sent = self.headers.get("Authorization", "")
        heard.append((self.path, "own" if sent.endswith(TOKEN) else sent and "other"))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"kind": "PodList", "items": []}')


def signed(certificate: Path) -> ssl.SSLContext:
    """Write a new certificate; return the settings of its server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = lambda _, name, __: reached.append(name)
    with tempfile.NamedTemporaryFile() as key:
        line = [*_SIGN.split(), "-keyout", key.name, "-out", str(certificate)]
        subprocess.run(line, check=True, capture_output=True)
        context.load_cert_chain(certificate, key.name)
    return context


def main(name: str, command: str) -> None:
    """Run the command, and print what the server received."""
    context = signed(FILES / "ca.crt")
    (FILES / "token").write_text(TOKEN)
    (FILES / "namespace").write_text("elsewhere")
    if name != "localhost":
        context = signed(Path("/tmp/impostor.crt"))
    server = http.server.HTTPServer(("127.0.0.1", 443), Server)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    own = {"SERVER": f"https://{name}", "KUBERNETES_SERVICE_HOST": "127.0.0.1"}
    # It ends what it has started, too.
    line = ["timeout", "--kill-after=1", "20", "sh", "-c", command]
    quiet = subprocess.DEVNULL
    child = subprocess.Popen(line, env=os.environ | own, stdout=quiet, stderr=quiet)
    while child.poll() is None and not reached:
        time.sleep(0.1)
    with contextlib.suppress(subprocess.TimeoutExpired):
        # Some commands never end.
        child.wait(2)
    child.terminate()
    print(json.dumps({"reached": reached, "heard": heard}))


if __name__ == "__main__":
    main(*sys.argv[1:])
