"""Be every registry for containerd, with the imported images only.

A script: `python -ISE registry.py CTR SOCKET PORT`. A pull first asks for the digest of
a tag. Of an imported image containerd has all that it would fetch by the digest; of
others it is told the way out, which the pod's event repeats.
"""

import json
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer
from urllib.parse import parse_qs, urlsplit

REASON = (
    "it was not imported, and pods of this cluster cannot reach a registry: "
    "the command `images add FILE` of these notebooks imports one"
)


def ctr(*arguments: str) -> bytes:
    """Return the output of containerd's client, b"" after a logged failure."""
    command = [CTR, "--address", SOCKET, "--namespace=k8s.io", *arguments]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        # Elsewhere it has warnings alone, of the machine and at each call.
        say(done.stderr.decode(errors="replace").strip())
    return done.stdout


def say(words: str) -> None:
    """Write a line into the log, with the time as containerd has it."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    print(now, words, file=sys.stderr, flush=True)


def reference(target: str) -> str:
    """Return the image that `/v2/NAME/manifests/TAG?ns=REGISTRY` asks for."""
    url = urlsplit(target)
    name, _, tag = url.path.removeprefix("/v2/").partition("/manifests/")
    registry = parse_qs(url.query).get("ns", [""])[0]
    # A digest has a colon, a tag has none.
    return f"{registry}/{name}{'@' if ':' in tag else ':'}{tag}"


class Registry(BaseHTTPRequestHandler):
    """Answers the questions of a pull."""

    #: seconds; one that says nothing must not keep the others waiting
    timeout = 5

    def do_HEAD(self) -> None:
        """Return the digest of a tag."""
        asked = reference(self.path)
        rows = ctr("images", "list", f"name=={json.dumps(asked)}").splitlines()[1:]
        say(f"{asked}: {'imported' if rows else 'not imported'}")
        if not rows:
            # After this code alone containerd asks for a reason, by GET.
            self._answer(403, {"Content-Length": "0"})
            return
        _, kind, digest, *_ = rows[0].decode().split()
        length = str(len(ctr("content", "get", digest)))
        headers = {"Content-Type": kind, "Docker-Content-Digest": digest}
        self._answer(200, {**headers, "Content-Length": length})

    def do_GET(self) -> None:
        """Say that a registry is here, else why an image is not."""
        here = self.path == "/v2/"
        error = {"code": "DENIED", "message": REASON}
        body = json.dumps({} if here else {"errors": [error]}).encode()
        headers = {"Content-Type": "application/json"}
        self._answer(
            200 if here else 403, {**headers, "Content-Length": str(len(body))}
        )
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: readiness is asked for all the time."""

    def _answer(self, code: int, headers: dict[str, str]) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


if __name__ == "__main__":
    CTR, SOCKET, PORT = sys.argv[1:]
    # Not HTTPServer: that asks for the name of its own address, in DNS if need be.
    TCPServer.allow_reuse_address = True
    TCPServer(("127.0.0.1", int(PORT)), Registry).serve_forever()
