"""Be every registry for containerd, with the imported images and those of the book.

A script: `python -ISE registry.py CTR SOCKET PORT`. A pull first asks for the digest of
a tag. containerd has all of an imported image that it would fetch by the digest; for
others it is told the way out, which the pod's event repeats. An image of the book is
`toolbox` with another command: containerd has its layers, and fetches the rest here.
"""

import hashlib
import json
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer
from urllib.parse import parse_qs, urlsplit

TOOLBOX = "docker.io/library/toolbox:1"
_JOB = 'echo "$(date) Batch job starting"; sleep 120; echo "$(date) Batch job finished"'
#: the images of the chapter's manifests, and what a container of each runs
BOOK = {
    "docker.io/library/busybox:latest": ["sh"],
    "docker.io/tutum/curl:latest": ["bash"],
    "docker.io/luksa/kubectl-proxy:1.6.2": ["kubectl", "proxy"],
    "docker.io/luksa/batch-job:latest": ["sh", "-c", _JOB],
}

REASON = (
    "it was not imported, and pods of this cluster cannot reach a registry: "
    "the command `images add FILE` of these notebooks imports one"
)


def ctr(*arguments: str) -> bytes:
    """Return the output of containerd's client, b"" after a logged failure."""
    command = [CTR, "--address", SOCKET, "--namespace=k8s.io", *arguments]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        # Elsewhere it has only warnings, of the machine and at each call.
        say(done.stderr.decode(errors="replace").strip())
    return done.stdout


def say(words: str) -> None:
    """Write a line into the log, with the time as containerd has it."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    print(now, words, file=sys.stderr, flush=True)


def find_image(image: str) -> tuple[str, str] | None:
    """Return media type and digest of an image that containerd has, or None."""
    rows = ctr("images", "list", f"name=={json.dumps(image)}").splitlines()[1:]
    if not rows:
        return None
    _, kind, digest, *_ = rows[0].decode().split()
    return kind, digest


def content(digest: str) -> bytes:
    """Return a part of an image that containerd has."""
    return ctr("content", "get", digest)


def make_image(image: str) -> dict[str, tuple[str, bytes]]:
    """Return what an image of the book has of its own: media type and bytes by digest.

    The first is the manifest, the other the configuration. Empty for any other image.
    """
    toolbox = find_image(TOOLBOX)
    if image not in BOOK or toolbox is None:
        return {}
    manifest = json.loads(content(toolbox[1]))
    kind, config = manifest["config"], json.loads(content(manifest["config"]["digest"]))
    config["config"]["Cmd"] = BOOK[image]
    inner = json.dumps(config).encode()
    below = _digest(inner)
    changes = {"digest": below, "size": len(inner)}
    outer = json.dumps(manifest | {"config": kind | changes}).encode()
    return {_digest(outer): (toolbox[0], outer), below: (kind["mediaType"], inner)}


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def part(target: str) -> tuple[str, bytes] | None:
    """Return what `/v2/NAME/manifests/DIGEST` or `/blobs/DIGEST` asks for, or None.

    Only of images of the book: of others containerd has all.
    """
    name, _, digest = reference(target.replace("/blobs/", "/manifests/")).partition("@")
    images = [image for image in BOOK if image.rpartition(":")[0] == name]
    return next((make_image(image).get(digest) for image in images), None)


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
        image = reference(self.path)
        # An image that was imported under such a name is the one that is meant.
        if has := find_image(image):
            kind, digest = has
            size = len(content(digest))
            say(f"{image}: imported")
        elif parts := make_image(image):
            digest, (kind, data) = next(iter(parts.items()))
            size = len(data)
            say(f"{image}: {TOOLBOX} that runs {BOOK[image][0]}")
        else:
            say(f"{image}: not imported")
            # Only after this code containerd asks for a reason, by GET.
            self._answer(403, {"Content-Length": "0"})
            return
        headers = {"Content-Type": kind, "Docker-Content-Digest": digest}
        self._answer(200, {**headers, "Content-Length": str(size)})

    def do_GET(self) -> None:
        """Say that a registry is here, give a part of an image, or say why not."""
        error = {"code": "DENIED", "message": REASON}
        code, kind = 403, "application/json"
        data = json.dumps({"errors": [error]}).encode()
        if self.path == "/v2/":
            code, data = 200, b"{}"
        elif answer := part(self.path):
            code, (kind, data) = 200, answer
        length = str(len(data))
        self._answer(code, {"Content-Type": kind, "Content-Length": length})
        self.wfile.write(data)

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
