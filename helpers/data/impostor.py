"""Run a command in a copy of a pod, against a server in the place of the API server.

`sys.argv` is the command for `bash -c`, and the names of servers. The copy's three
files are made anew, and `sleep` is over soon. A server `localhost` has the certificate
in `ca.crt`, `localhost:443` for one connection only; another is an impostor. Print for
each a line of JSON: by which names clients came (`reached`), the path, the credential
and the connection of each request (`heard`), never a token, and whether the command
printed the server's list (`printed`).
"""

import http.server
import json
import os
import secrets
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

FILES = Path("/var/run/secrets/kubernetes.io/serviceaccount")
#: where a command finds a `sleep` that is over soon
QUICK = Path("/tmp/quick")
TOKEN, POD = secrets.token_hex(), secrets.token_hex()
_SIGN = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days 1 "
    "-subj /CN=localhost -addext keyUsage=critical,digitalSignature,keyCertSign "
    "-addext subjectAltName=DNS:localhost,DNS:kubernetes.default.svc"
)
#: for each client the name that it looked for, before it saw the certificate
reached: list[str | None] = []
#: for each request its path, "own" if the credential is the file's, "other", or "", and
#: the number of its connection
heard: list[tuple[str, str, int]] = []


class Server(http.server.BaseHTTPRequestHandler):
    """Answer every request with a list of one pod."""

    def do_GET(self) -> None:
        """Note the request, and answer it."""
        sent = self.headers.get("Authorization", "")
        whose = "own" if sent.endswith(TOKEN) else sent and "other"
        heard.append((self.path, whose, len(reached)))
        self.send_response(200)
        self.end_headers()
        pods = {"kind": "PodList", "items": [{"metadata": {"name": POD}}]}
        self.wfile.write(json.dumps(pods).encode())

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET


def server_context(certificate: Path) -> ssl.SSLContext:
    """Write a new certificate; return the settings of its server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # A client that resumes a session checks no certificate.
    context.num_tickets = 0
    with tempfile.NamedTemporaryFile() as key:
        line = [*_SIGN.split(), "-keyout", key.name, "-out", str(certificate)]
        subprocess.run(line, check=True, capture_output=True)
        context.load_cert_chain(certificate, key.name)
    return context


def main(command: str, *names: str) -> None:
    """Run the command against each server; print what the server received."""
    genuine, impostor = (
        server_context(FILES / "ca.crt"),
        server_context(Path("/tmp/impostor.crt")),
    )
    (FILES / "token").write_text(TOKEN)
    (FILES / "namespace").write_text("elsewhere")
    # What waits between two requests need not wait here.
    QUICK.mkdir(exist_ok=True)
    (QUICK / "sleep").write_text(f"#!/bin/sh\nexec {shutil.which('sleep')} 0.1\n")
    (QUICK / "sleep").chmod(0o755)
    for name in names:
        # A process of its own: the next server has the same port.
        if child := os.fork():
            os.waitpid(child, 0)
        else:
            print(json.dumps(meet(name, command, genuine, impostor)), flush=True)
            os._exit(0)


def meet(
    name: str, command: str, genuine: ssl.SSLContext, impostor: ssl.SSLContext
) -> dict:
    """Run the command against one server; return what that received."""

    def greet(connection: ssl.SSLObject, host: str, _: ssl.SSLContext) -> None:
        reached.append(host)
        first = name == "localhost:443" and len(reached) == 1
        connection.context = genuine if first or name == "localhost" else impostor

    genuine.sni_callback = greet
    server = http.server.HTTPServer(("127.0.0.1", 443), Server)
    server.socket = genuine.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {"SERVER": f"https://{name}", "KUBERNETES_SERVICE_HOST": "127.0.0.1"}
    environment["PATH"] = f"{QUICK}:{os.environ['PATH']}"
    # It ends what it has started, too.
    line = ["timeout", "--kill-after=1", "20", "bash", "-c", command]
    output, quiet = tempfile.TemporaryFile(), subprocess.DEVNULL
    child = subprocess.Popen(
        line, env=os.environ | environment, stdout=output, stderr=quiet
    )
    # Some commands never end, and come again and again.
    while child.poll() is None and len(reached) < 4:
        time.sleep(0.1)
    child.terminate()
    # It would come to the next server, too.
    child.wait()
    output.seek(0)
    printed = POD.encode() in output.read()
    return {"reached": reached, "heard": heard, "printed": printed}


if __name__ == "__main__":
    main(*sys.argv[1:])
