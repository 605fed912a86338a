"""The way from the API server to pods, with real sockets."""

import shutil
import signal
import socket
import subprocess
import sys

import pytest

from cluster.local import relay
from cluster.tests.waiting import until
from cluster.usermode import tunnel


@pytest.fixture
def elsewhere():
    """Return an address of this machine beside 127/8, or skip."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has the loopback device alone")
        return probe.getsockname()[0]


@pytest.fixture
def tunneled(tmp_path):
    """Start a tunnel as in the node: beside the relay, in a directory; return it."""
    for module in (relay, tunnel):
        shutil.copy(module.__file__, tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    script = str(tmp_path / "tunnel.py")
    child = subprocess.Popen([sys.executable, "-ISE", script, "127.0.0.1", str(port)])

    def connects():
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    until(connects, what="the tunnel")
    yield ("127.0.0.1", port)
    child.send_signal(signal.SIGKILL)
    child.wait()


def ask(address, request: bytes) -> tuple[socket.socket, bytes]:
    client = socket.create_connection(address, timeout=10)
    client.sendall(request)
    return client, client.recv(4096)


def test_a_connection_is_joined_with_what_was_asked_for(tunneled, elsewhere):
    with socket.create_server((elsewhere, 0)) as server:
        server.settimeout(10)
        port = server.getsockname()[1]
        request = f"CONNECT {elsewhere}:{port} HTTP/1.1\r\nHost: x\r\n\r\n"
        client, answer = ask(tunneled, request.encode())
        with client, server.accept()[0] as pod:
            assert answer.startswith(b"HTTP/1.1 200 ")
            client.sendall(b"question")
            assert pod.recv(100) == b"question"
            pod.sendall(b"answer")
            assert client.recv(100) == b"answer"


def test_where_nobody_listens_the_answer_says_so(tunneled, elsewhere):
    with socket.create_server((elsewhere, 0)) as server:
        port = server.getsockname()[1]
    client, answer = ask(tunneled, f"CONNECT {elsewhere}:{port} H\r\n\r\n".encode())
    with client:
        assert answer.startswith(b"HTTP/1.1 502 ")


def test_the_nodes_own_loopback_device_is_refused(tunneled):
    client, answer = ask(tunneled, b"CONNECT 127.0.0.1:10248 HTTP/1.1\r\n\r\n")
    with client:
        assert answer.startswith(b"HTTP/1.1 403 ") and client.recv(1) == b""


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"CONNECT 10.244.0.2:80 HTTP/1.1\r\n", ("10.244.0.2", 80)),
        (b"GET 10.244.0.2:80 HTTP/1.1\r\n", None),
        (b"CONNECT 127.0.0.1:80 HTTP/1.1\r\n", None),
        (b"CONNECT ::1:80 HTTP/1.1\r\n", None),
        (b"CONNECT pod.example:80 HTTP/1.1\r\n", None),
        (b"CONNECT 10.244.0.2 HTTP/1.1\r\n", None),
        (b"CONNECT 10.244.0.2: HTTP/1.1\r\n", None),
        (b"\xff\xfe", None),
        (b"", None),
    ],
)
def test_what_is_asked_for_is_an_address_and_no_loopback_device(head, expected):
    assert tunnel.target(head) == expected
