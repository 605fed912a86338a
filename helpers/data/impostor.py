"""Run a command in a pod against a server whose certificate no authority has signed.

`sys.argv[1]` is the command, for `sh -c`; `$SERVER` is the URL. Print as JSON whether a
request arrived (`asked`), and whether with a credential (`told`), never the token.
"""

import http.server
import json
import os
import ssl
import subprocess
import sys
import tempfile
import threading

_SIGN = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days 1 "
    "-subj /CN=localhost -addext subjectAltName=DNS:localhost"
)
#: for each request, whether it had a credential
heard: list[bool] = []


class Impostor(http.server.BaseHTTPRequestHandler):
    """Answer every GET with an empty list of pods."""

    def do_GET(self) -> None:
        """Note the request, and answer it."""
        heard.append("Authorization" in self.headers)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"kind": "PodList", "items": []}')


def main(command: str) -> None:
    """Run the command, and print what the server received."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        pair = folder + "/pair.pem"
        line = [*_SIGN.split(), "-keyout", pair, "-out", pair]
        subprocess.run(line, check=True, capture_output=True)
        context.load_cert_chain(pair)
    server = http.server.HTTPServer(("127.0.0.1", 0), Impostor)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings = {**os.environ, "SERVER": f"https://localhost:{server.server_port}"}
    line = ["sh", "-c", command]
    subprocess.run(line, env=settings, capture_output=True, timeout=20)
    print(json.dumps({"asked": bool(heard), "told": any(heard)}))


if __name__ == "__main__":
    main(sys.argv[1])
