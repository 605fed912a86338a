"""A proxy starts by its own answer, says why it did not, and never stays behind."""

import copy
import dataclasses
import http.server
import json
import os
import signal
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import httpx
import psutil
import pytest

from cluster.tests.likekernel import like_a_kernel
from cluster.tests.slowness import scaled
from helpers import errors
from helpers.api import proxy
from helpers.api.caller import HttpClient
from helpers.api.proxy import KubectlProxy

#: uid of an account that has nothing to do with the learner
NOBODY = 65534
#: how curl ends when it may not open the socket
COULD_NOT_CONNECT = 7


def curl(socket, user=None):
    """Ask the proxy at a socket as this user, or as another one."""
    command = ["curl", "-sS", "--unix-socket", socket, "http://localhost/version"]
    return subprocess.run(command, **as_user(user))


def as_user(user):
    """Return the options that run a program as this user, or as another one."""
    other = {"user": user, "group": user, "extra_groups": []} if user else {}
    return {"capture_output": True, "text": True, "timeout": 30, **other}


def test_without_kubectl_it_names_the_tool(scripted, monkeypatch):
    """A missing program is no traceback of subprocess."""
    monkeypatch.setenv("PATH", str(scripted("exit 0").parent.parent))
    with pytest.raises(errors.MissingTool) as caught:
        KubectlProxy().start()
    assert caught.value.tool == "kubectl"


def test_before_connect_it_says_so(monkeypatch):
    """Before that, KUBECONFIG may name any cluster, so it is not followed."""
    monkeypatch.setenv("KUBECONFIG", "/nowhere/production")
    monkeypatch.setattr("helpers.command._kubeconfig", None)
    with pytest.raises(errors.NotConnected):
        KubectlProxy().start()


def test_a_proxy_that_ends_at_once_is_quoted(scripted):
    """The exit code and kubectl's own words say what to fix."""
    scripted("echo 'error: context \"nosuch\" does not exist' >&2; exit 3")
    with pytest.raises(errors.ProxyEnded) as caught:
        KubectlProxy().start()
    assert caught.value.exit_code == 3
    assert caught.value.words == 'error: context "nosuch" does not exist'
    # It would end again.
    assert not caught.value.hint


#: has a socket and does not listen, as in a moment of each start
DEAF = """
import signal, socket, sys
bound = socket.socket(socket.AF_UNIX)
bound.bind(sys.argv[-1].partition("=")[2])
signal.pause()
"""


def test_a_proxy_that_is_deaf_is_killed(scripted, monkeypatch):
    """SIGKILL after the grace: `stop` returns when it is gone; nothing stays open."""
    monkeypatch.setattr(proxy, "GRACE", 0.2)
    # The shell is deaf before Python has started.
    scripted(f"trap '' TERM; exec {sys.executable} -c '{DEAF}' \"$@\"")
    deaf, short = KubectlProxy(), scaled(0.5)
    with pytest.raises(errors.NotReady) as caught:
        deaf.start(timeout=short)
    assert (caught.value.waited, caught.value.last) == (short, "nothing")
    assert not psutil.pid_exists(deaf.pid)
    with pytest.raises(errors.ProxyEnded, match="SIGKILL"):
        _ = deaf.socket


def test_a_proxy_that_floods_is_not_blocked(scripted):
    """Output goes into a file: a full pipe would block the proxy before its line."""
    scripted("head -c 1000000 /dev/zero | tr '\\0' x; echo; echo done >&2; exit 1")
    with pytest.raises(errors.ProxyEnded) as caught:
        KubectlProxy().start()
    assert caught.value.words.endswith("\ndone")


def test_stop_before_start_does_nothing():
    """A cell that cleans up may run alone."""
    never = KubectlProxy()
    never.stop()
    assert repr(never) == "kubectl proxy, not running (read-only)"
    assert never.log == "" and never.pid is None
    with pytest.raises(errors.ProxyEnded) as caught:
        never.get("/version")
    assert caught.value.exit_code is None


@pytest.mark.parametrize("path", ["apis", "http://localhost:8001/apis", ""])
def test_what_is_no_path_is_said_before_it_is_sent(scripted, path):
    """The proxy would take it for a name of a host, and answer `Forbidden`."""
    scripted("exec sleep 60")
    spoken = KubectlProxy()
    spoken._spawn(["kubectl"], {**os.environ})
    with pytest.raises(errors.LabError) as caught:
        spoken.get(path)
    assert str(caught.value) == (
        f"{path!r} is no path.\nA path begins with `/`, and has no address before it."
    )
    spoken.stop()


def test_a_block_is_its_lifetime(cluster, tmp_path, monkeypatch):
    """A proxy answers inside its block and leaves nothing, though the block failed."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(ZeroDivisionError), KubectlProxy() as running:
        socket, pid = running.socket, running.pid
        assert curl(socket).returncode == 0
        assert repr(running) == f"kubectl proxy at {socket} (read-only, pid {pid})"
        assert os.environ["PROXY"] == socket
        said = subprocess.check_output(["bash", "-euc", "api /version"])
        assert b"gitVersion" in said
        assert list(tmp_path.iterdir()) == [Path(socket).parent]
        _ = 1 / 0
    assert not psutil.pid_exists(pid)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(errors.ProxyEnded):
        running.get("/version")
    assert running.log == f"Starting to serve on {socket}\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("read_only", [True, False])
def test_another_account_gets_nothing(cluster, read_only):
    """A stranger finds no port, name or answer; the learner gets one the same way."""
    with KubectlProxy(read_only=read_only) as mine:
        connections = psutil.Process(mine.pid).net_connections("tcp")
        assert not [one for one in connections if one.status == psutil.CONN_LISTEN]
        assert curl(mine.socket).returncode == 0
        refused = curl(mine.socket, user=NOBODY)
        listed = subprocess.run(["ls", Path(mine.socket).parent], **as_user(NOBODY))
    assert (refused.returncode, refused.stdout) == (COULD_NOT_CONNECT, "")
    assert listed.returncode != 0 and "Permission denied" in listed.stderr


def test_start_and_stop_again(cluster):
    """Started twice it is the same one, stopped twice is no error; then a new one.

    A proxy that nobody holds is stopped: a cell that is run again leaves no second one.
    """
    held = KubectlProxy()
    first = held.start().pid
    assert held.start().pid == first
    held.stop()
    held.stop()
    second = psutil.Process(held.start().pid)
    assert second.pid != first
    held = KubectlProxy().start()
    assert not second.is_running()
    held.stop()


def api(path="/version"):
    """Ask in a shell cell."""
    return subprocess.run(["bash", "-euc", f"api {path}"], **as_user(None))


def test_api_asks_the_last_that_runs_or_says_that_none_does(cluster):
    """Not that a port of localhost is closed, which is none of it."""
    first, second, third = (KubectlProxy().start() for _ in range(3))
    for one in (third, first):
        one.stop()
        assert os.environ["PROXY"] == second.socket
        assert "gitVersion" in api().stdout
    second.stop()
    done = api()
    assert (done.returncode, done.stdout) == (COULD_NOT_CONNECT, "")
    assert done.stderr == (
        "kubectl proxy does not run.\nStart it (again): `proxy.start()`.\n"
    )
    with second.start():
        assert "gitVersion" in api().stdout


def test_one_that_was_killed_is_told(cluster):
    """A request after that names the signal instead of a refused connection."""
    with KubectlProxy() as killed:
        os.kill(killed.pid, signal.SIGKILL)
        # WNOWAIT: its exit status is for the proxy to read.
        os.waitid(os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(errors.ProxyEnded) as caught:
            killed.get("/version")
    assert caught.value.exit_code == -signal.SIGKILL


class Answering(http.server.BaseHTTPRequestHandler):
    """Answer 429 until it was asked often enough, or what is at a path."""

    def do_POST(self):
        self.server.asked += 1
        busy = self.server.asked <= self.server.busy
        self.answer(429 if busy else 201, b"{}")

    def do_GET(self):
        status = b'{"kind": "Status", "reason": "NotFound", "message": "no"}'
        bodies = {
            "/good": (200, json.dumps({"accept": self.headers["Accept"]}).encode()),
            "/status": (404, status),
            "/text": (404, b"404 page not found"),
            "/away": (500, b"dial tcp 127.0.0.1:1: connect: connection refused"),
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


class Plain(KubectlProxy):
    """A proxy that is said to run, and to listen at a socket."""

    socket = property(lambda self: self._socket)

    def listens_at(self, path):
        """Send the requests there."""
        transport = httpx.HTTPTransport(uds=path, verify=False)
        self._socket, self._client = path, HttpClient(transport=transport)


@pytest.fixture
def plain(tmp_path):
    """Yield what asks a server of another thread; its `busy` counts the 429s."""
    path = str(tmp_path / "api")
    with socketserver.UnixStreamServer(path, Answering) as server:
        server.busy = server.asked = 0
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        asker = Plain()
        asker.listens_at(path)
        asker.server = server
        with asker._client:
            yield asker
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("busy", "code", "asked"), [(0, 201, 1), (2, 201, 3), (99, 429, 11)]
)
def test_it_comes_again_when_the_server_says_so(plain, busy, code, asked):
    """A kind that was just defined is answered 429 for a moment; kubectl waits too."""
    plain.server.busy = busy
    reply = plain.request("POST", "/good", json={})
    assert (reply.status, plain.server.asked) == (code, asked)


def test_a_reply_has_what_the_response_of_httpx_has(plain):
    """A learner who knows httpx finds it again, by completion too."""
    reply = plain.request("POST", "/good", json={})
    assert (reply.status, reply.status_code) == (201, 201)
    assert repr(reply) == "<Response [201 Created]>"
    assert {"status", "json", "headers", "elapsed"} <= {*dir(reply)}
    assert reply.raise_for_status().is_success
    assert not hasattr(reply, "stdout")
    assert copy.copy(reply) == reply
    with pytest.raises(dataclasses.FrozenInstanceError):
        reply.response = None


@pytest.mark.parametrize(
    ("path", "reason", "message"),
    [("/status", "NotFound", "no"), ("/text", "", "404 page not found")],
)
def test_read_raises_what_the_server_says(plain, path, reason, message):
    """`read` keeps a Status and quotes any other answer; to `get` both are values."""
    with pytest.raises(errors.ApiError) as caught:
        plain.read(path)
    error = caught.value
    assert (error.status, error.reason, error.hint) == (404, reason, message)
    assert plain.get(path).status == 404


def test_read_asks_for_a_form_and_no_proxy_of_the_network(plain, monkeypatch):
    """The header is what the server goes by; what is said here stays here."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    wanted = "application/json;v=v2"
    assert plain.read("/good", accept=wanted) == {"accept": wanted}


def test_the_answer_of_a_proxy_without_a_server_is_told(plain, phase):
    """To a check it would be a path that is not found."""
    phase("ready")
    assert plain.get("/away").status == 500
    phase("stopped")
    with pytest.raises(errors.ClusterDown):
        plain.get("/away")


def test_no_answer_is_told_in_one_line(plain, tmp_path):
    """The server is deaf: the request, and where to look."""
    path = str(tmp_path / "deaf")
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(path)
        deaf.listen()
        plain.listens_at(path)
        with pytest.raises(errors.NotReady) as caught:
            plain.get("/good", timeout=0.2)
    assert caught.value.what == "An answer to GET /good"
    assert caught.value.last == "ReadTimeout"


PARENT = """
import signal
from helpers.connection import connect
from helpers.api.proxy import KubectlProxy
connect()
proxy = KubectlProxy().start()
try:
    print(proxy.pid, flush=True)
    signal.pause()
except KeyboardInterrupt:
    print(proxy.get("/version").status, flush=True)
signal.pause()
"""


@pytest.fixture
def parent(cluster, monkeypatch):
    """Yield a process like a kernel, in a group of its own, and its proxy."""
    with tempfile.TemporaryDirectory() as folder:
        # A killed kernel leaves the directory of its socket.
        monkeypatch.setenv("TMPDIR", folder)
        with like_a_kernel(PARENT) as (process, [pid]):
            yield process, psutil.Process(pid)


@pytest.mark.full("infrastructure that lessons do not touch")
def test_it_dies_with_its_kernel(parent):
    """Also when that is killed and can clean up nothing."""
    process, child = parent
    process.kill()
    gone, _ = psutil.wait_procs([child], timeout=5)
    assert gone == [child]


@pytest.mark.full("infrastructure that lessons do not touch")
def test_an_interrupted_cell_leaves_it_alone(parent):
    """The button sends SIGINT to the whole group of the kernel."""
    process, child = parent
    os.killpg(process.pid, signal.SIGINT)
    assert process.stdout.readline() == "200\n"
    assert child.is_running()
