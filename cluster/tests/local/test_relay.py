"""The relay from the host's port to the API server, with real sockets."""

import contextlib
import os
import signal
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from cluster.local import relay
from cluster.tests.waiting import until


def start(listener: socket.socket, port: int, *, files: int = 1024) -> int:
    """Start the relay as the supervisor does: the socket is its descriptor 3."""
    script = f'ulimit -n {files} && exec "$0" "$@"'
    relayed = [sys.executable, "-ISE", relay.__file__, "127.0.0.1", str(port)]
    return os.posix_spawn(
        "/bin/sh",
        ["/bin/sh", "-c", script, *relayed],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, listener.fileno(), relay.LISTENER)],
    )


@pytest.fixture
def upstream():
    """Listen where the relay connects to."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server:
        server.settimeout(10)
        yield server


@pytest.fixture
def relayed(upstream):
    """Start a relay; return its address and its process."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        pid = start(listener, upstream.getsockname()[1])
        yield listener.getsockname(), psutil.Process(pid)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


@pytest.fixture
def pair(relayed, upstream):
    """Return both ends of one relayed connection."""
    with socket.create_connection(relayed[0], timeout=10) as client:
        server = speak(client, upstream)
        with server:
            yield client, server


def speak(client: socket.socket, upstream: socket.socket) -> socket.socket:
    """Say a first byte and return the other end: nothing is led on before."""
    client.sendall(b"!")
    server, _ = upstream.accept()
    server.settimeout(10)
    assert server.recv(1) == b"!"
    return server


def read_all(end: socket.socket) -> bytes:
    return b"".join(iter(lambda: end.recv(65536), b""))


@pytest.mark.parametrize("first", ["client", "server"])
def test_one_direction_can_end_before_the_other(pair, first):
    client, server = pair
    one, other = (client, server) if first == "client" else (server, client)
    one.sendall(b"my last word")
    one.shutdown(socket.SHUT_WR)
    assert read_all(other) == b"my last word"
    other.sendall(b"still here")
    other.shutdown(socket.SHUT_WR)
    assert read_all(one) == b"still here"


def test_much_goes_both_ways_at_once_unchanged(pair):
    blocks = [os.urandom(1 << 20) * 24 for _ in pair]

    def send(end: socket.socket, block: bytes) -> None:
        end.sendall(block)
        end.shutdown(socket.SHUT_WR)

    with ThreadPoolExecutor(4) as pool:
        pool.map(send, pair, blocks)
        received = [*pool.map(read_all, reversed(pair))]
    # Without a word of what is different: that would be long.
    assert [a == b for a, b in zip(received, blocks, strict=True)] == [True, True]


@pytest.mark.parametrize("gone", ["client", "server"])
def test_a_reset_on_one_side_ends_the_other(pair, gone):
    client, server = pair
    one, other = (client, server) if gone == "client" else (server, client)
    # With linger 0, close is a reset.
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    one.close()
    assert read_all(other) == b""


def test_it_serves_again_when_the_upstream_is_back(relayed, upstream):
    address = upstream.getsockname()
    upstream.close()
    with socket.create_connection(relayed[0], timeout=10) as client:
        client.sendall(b"!")
        with contextlib.suppress(ConnectionResetError):
            assert read_all(client) == b""
    with (
        socket.create_server(address) as again,
        socket.create_connection(relayed[0], timeout=10) as client,
    ):
        with speak(client, again) as server:
            server.sendall(b"back")
            server.shutdown(socket.SHUT_WR)
            assert read_all(client) == b"back"


def test_many_connections_live_side_by_side_and_leave_nothing(relayed, upstream):
    address, process = relayed
    with socket.create_connection(address, timeout=10) as client:
        speak(client, upstream).close()
        assert read_all(client) == b""
    before = process.num_fds()
    ends = []
    for number in range(200):
        client = socket.create_connection(address, timeout=10)
        ends.append((number, client, speak(client, upstream)))
    for number, client, _ in ends:
        client.sendall(b"%d" % number)
    for number, _, server in reversed(ends):
        assert server.recv(100) == b"%d" % number
    for _, client, server in ends:
        client.close()
        server.close()
    until(lambda: process.num_fds() <= before, what="descriptors closed")


def test_idle_connections_keep_nobody_out(relayed, upstream):
    """Idle ones yield to new ones, cost no memory, and end none that has spoken."""
    address, process = relayed
    with socket.create_connection(address, timeout=10) as watch:
        other = speak(watch, upstream)
        before = process.memory_info().rss
        idle = [socket.create_connection(address, timeout=10) for _ in range(2300)]
        with socket.create_connection(address, timeout=10) as client:
            speak(client, upstream).close()
            assert read_all(client) == b""
        assert process.memory_info().rss < before + 4_000_000
        watch.sendall(b"still here")
        assert other.recv(100) == b"still here"
        # Each waits in the kernel's queue or here; the first ones are closed.
        assert read_all(idle[0]) == b""
        for client in (other, *idle):
            client.close()


def test_who_has_been_quiet_longest_makes_room(upstream):
    """Also where all have spoken: a new connection is always served."""
    with (
        socket.create_server(("127.0.0.1", 0), backlog=512) as listener,
        contextlib.ExitStack() as cleanup,
    ):
        pid = start(listener, upstream.getsockname()[1], files=40)
        cleanup.callback(os.waitpid, pid, 0)
        cleanup.callback(os.kill, pid, signal.SIGKILL)
        places = (40 - 16) // 3
        ends = []
        for number in range(places + 1):
            client = socket.create_connection(listener.getsockname(), timeout=20)
            ends.append((cleanup.enter_context(client), speak(client, upstream)))
            if number == places - 1:
                # The first one speaks again, so that the second is the quietest.
                ends[0][0].sendall(b"?")
                assert ends[0][1].recv(1) == b"?"
        for number, (client, server) in enumerate(ends):
            with server:
                if number == 1:
                    assert read_all(client) == b"" == read_all(server)
                    continue
                server.sendall(b"answer")
                assert client.recv(100) == b"answer"
