"""An HTTPS server that holds files as the projects' hosts do, and misbehaves."""

import contextlib
import hashlib
import http.server
import io
import ipaddress
import socket
import ssl
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509

from cluster.programs.releases import Release
from cluster.tests.authority import YEARS, Authority


@dataclass
class Mirror:
    """Files by path, what is wrong with some of them, and what was asked.

    A fault is a function of the request's handler and of the bytes to be sent, which
    answers; one in `once` does it a single time. `asked` holds paths, in order.
    """

    port: int
    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict = field(default_factory=dict)
    once: dict = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    ca: Path | None = None

    @property
    def base(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def release(self, name: str, content: bytes) -> Release:
        """Hold a file of its own, with its sum beside it."""
        self.files[f"/{name}"] = content
        self.files[f"/{name}.sha256"] = hashlib.sha256(content).hexdigest().encode()
        url = f"{self.base}/{name}"
        return Release(url, f"{url}.sha256", (name,))

    def publish(self, release: Release, contents: dict[str, bytes]) -> None:
        """Hold what a project publishes, from the bytes of each of its programs."""
        file = (
            contents[release.programs[0]]
            if release.members is None
            else tar({path: contents[n] for n, path in release.members.items()})
        )
        self.files[release.url.removeprefix(self.base)] = file
        line = f"{hashlib.sha256(file).hexdigest()}  {release.name}\n".encode()
        sums = release.sums.removeprefix(self.base)
        self.files[sums] = self.files.get(sums, b"") + line

    def times(self, name: str) -> int:
        """Return how often a file was asked for."""
        return self.asked.count(f"/{name}")


def tar(files: dict[str, bytes]) -> bytes:
    """Return a compressed tar file; names begin with `./` as some projects' do."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(f"./{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def authority(directory: Path) -> Path:
    """Return who is to be trusted; the certificates are made unless they are there."""
    ca, pem = directory / "ca.pem", directory / "server.pem"
    if not ca.exists():
        directory.mkdir(exist_ok=True)
        made = Authority("mirror")
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        pem.write_text(made.issue("127.0.0.1", address, ends=YEARS))
        ca.write_text(made.pem)
    return ca


@contextmanager
def running(directory: Path, port: int = 0) -> Iterator[Mirror]:
    """Serve a mirror; below `directory` are the certificates for it."""
    mirror = Mirror(0, ca=authority(directory))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(directory / "server.pem")
    server = _Server(("127.0.0.1", port), _handler(mirror))
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    mirror.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield mirror
    finally:
        mirror.ended.set()
        server.shutdown()
        server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    # A reply that a fault cuts off must not hold up the test's end.
    block_on_close = False

    def handle_error(self, request, client_address):
        """Say nothing: clients that hang up are what is tested."""


def _handler(mirror: Mirror):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            mirror.asked.append(self.path)
            mirror.headers.append(dict(self.headers))
            content = mirror.files.get(self.path)
            if content is None:
                return self.say(404, b"Not Found")
            fault = mirror.once.pop(self.path, mirror.faults.get(self.path))
            return fault(self, content) if fault else self.say(200, content)

        def say(self, status, body, headers=None, length=None):
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(length or len(body)))
            self.end_headers()
            self.wfile.write(body)

        def hang_up(self):
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, *_):
            pass

    return Handler


@contextmanager
def proxy() -> Iterator[tuple[str, list[str]]]:
    """Run an HTTP proxy; return its address, and a list of what it connected to."""
    connected = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_CONNECT(self):
            host, port = self.path.split(":")
            connected.append(self.path)
            with socket.create_connection((host, int(port))) as there:
                self.send_response(200)
                self.end_headers()
                back = threading.Thread(target=_pour, args=(there, self.connection))
                back.start()
                _pour(self.connection, there)
                back.join()

        def log_message(self, *_):
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", connected
    finally:
        server.shutdown()
        server.server_close()


def _pour(source: socket.socket, target: socket.socket) -> None:
    """Copy bytes until the source ends; let the target know."""
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


# --- Faults ---


def truncated(handler, content):
    """Promise all, send half of it, hang up."""
    handler.say(200, content[: len(content) // 2], length=len(content))
    handler.hang_up()


def status(code: int):
    """Answer with an error."""
    return lambda handler, _: handler.say(code, b"sorry")


def dripping(mirror: Mirror, drop: int = 5000):
    """Send a few bytes at a time."""

    def fault(handler, content):
        handler.say(200, content[:1], length=len(content))
        for begin in range(1, len(content), drop):
            if mirror.ended.wait(0.02):
                break
            handler.wfile.write(content[begin : begin + drop])
            handler.wfile.flush()

    return fault


def continued(handler, content):
    """Send what the request's `Range` asks for, as servers of files do."""
    begin = int(handler.headers.get("Range", "bytes=0-")[len("bytes=") : -1])
    if begin >= len(content):
        return handler.say(416, b"")
    return handler.say(206 if begin else 200, content[begin:])


def moved(address: str):
    """Lead to another address."""
    return lambda handler, _: handler.say(302, b"", {"Location": address})
