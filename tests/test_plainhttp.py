"""A server on this machine is asked in plain HTTP; what is wrong is one line."""

import http.server
import threading

import pytest

from cluster import errors
from helpers.plainhttp import PlainServer


class Answering(http.server.BaseHTTPRequestHandler):
    """Answer 429 until it was asked often enough, and keep what it was asked."""

    def do_POST(self):
        self.server.asked += 1
        busy = self.server.asked <= self.server.busy
        self.answer(429 if busy else 201, b"{}")

    def do_GET(self):
        accept = self.headers["Accept"]
        bodies = {
            "/good": (200, f'{{"accept": "{accept}"}}'.encode()),
            "/status": (
                404,
                b'{"kind": "Status", "reason": "NotFound", "message": "no"}',
            ),
            "/text": (404, b"404 page not found"),
        }
        self.answer(*bodies[self.path])

    def answer(self, code, body):
        self.send_response(code)
        self.send_header("Retry-After", "0") if code == 429 else None
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Local(PlainServer):
    """The server at a port, unless it is known to be gone."""

    def __init__(self, port):
        super().__init__()
        self.port, self.gone = port, False

    @property
    def url(self):
        if self.gone:
            raise errors.ProxyEnded(None, "")
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def backend():
    """Yield a server of another thread; its `busy` is how often it answers 429."""
    with http.server.HTTPServer(("127.0.0.1", 0), Answering) as server:
        server.busy = server.asked = 0
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def plain(backend):
    """Yield what asks it."""
    server = Local(backend.server_port)
    with server._session:
        yield server


@pytest.mark.parametrize(
    ("busy", "code", "asked"), [(0, 201, 1), (2, 201, 3), (99, 429, 11)]
)
def test_it_comes_again_when_the_server_says_so(backend, plain, busy, code, asked):
    """A kind that was just defined is answered 429 for a moment; kubectl waits too."""
    backend.busy = busy
    reply = plain.request("POST", "/good", json={})
    assert (reply.status, backend.asked) == (code, asked)


def test_a_refusal_is_a_value(plain):
    """A lesson wants to look at it."""
    assert plain.get("/status").status == 404


def test_read_returns_json_in_the_form_that_was_asked_for(plain):
    """The header is what the server goes by."""
    assert plain.read("/good", accept="application/json;v=v2") == {
        "accept": "application/json;v=v2"
    }


@pytest.mark.parametrize(
    ("path", "reason", "message"),
    [("/status", "NotFound", "no"), ("/text", "", "404 page not found")],
)
def test_read_raises_what_the_server_says(plain, path, reason, message):
    """Its Status is kept, and what is no Status is quoted."""
    with pytest.raises(errors.ApiError) as caught:
        plain.read(path)
    error = caught.value
    assert (error.status, error.reason, error.message) == (404, reason, message)


def test_proxies_of_the_network_are_not_asked(plain, monkeypatch):
    """What is said on loopback stays there."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert plain.get("/good").status == 200


def test_no_answer_is_told_in_one_line(plain):
    """Nobody listens on the port: the request, and where to look."""
    plain.port = 9
    with pytest.raises(errors.NotReady) as caught:
        plain.get("/good", timeout=2)
    assert caught.value.what == "An answer to GET /good"
    assert caught.value.last == "ConnectionError"


def test_one_that_is_gone_gives_its_own_reason(plain):
    """It says more than a refused connection."""
    plain.gone = True
    with pytest.raises(errors.ProxyEnded):
        plain.get("/good")
