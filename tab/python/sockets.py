"""Sockets of the cluster's network, as far as clients use them.

A socket is a stream of the cluster's program; nothing listens here.
"""

import select
import socket
import time
from typing import Any, Self

from pyodide.ffi import to_js

from tab.python import doors

#: Added to the number of a stream: the number of a file is never that high.
FIRST_NUMBER = 1 << 20
#: seconds between two looks at whether a socket can be read
PAUSE = 0.01
#: as Linux names them, where Python has no such constant
AF_UNIX = getattr(socket, "AF_UNIX", 1)
#: Python's own, whose files and context manager need no system
_Socket: Any = socket.socket


class Socket:
    """A socket of a client, as `socket.socket`."""

    makefile = _Socket.makefile
    close = _Socket.close
    _decref_socketios = _Socket._decref_socketios

    def __init__(
        self, family: int = -1, type: int = -1, proto: int = -1, fileno: object = None
    ) -> None:
        self.family = socket.AF_INET if family == -1 else family
        self.type = socket.SOCK_STREAM if type == -1 else type
        self.proto = 0 if proto == -1 else proto
        self._stream = 0
        self._peer: object = None
        self._timeout = socket.getdefaulttimeout()
        # A count of Python's own methods.
        self._io_refs, self._closed = 0, False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._closed:
            self.close()

    def __del__(self) -> None:
        self._real_close()

    def connect(self, address: Any) -> None:
        """Connect to a host and port, or to the socket that is at a file."""
        network, target = "unix", address
        if self.family != AF_UNIX:
            host, port = address[:2]
            network, target = "tcp", f"{_addresses(host)[0]}:{port}"
        self._stream = doors.ask("connect", network, target, self._timeout or 0)
        self._peer = address

    def connect_ex(self, address: Any) -> int:
        """Connect; return 0, or the number of the error."""
        try:
            self.connect(address)
        except OSError as error:
            return error.errno or 1
        return 0

    def send(self, data: Any, flags: int = 0) -> int:
        """Send all bytes; return how many."""
        view = memoryview(data).cast("B")
        doors.ask("write", self._stream, to_js(view))
        return len(view)

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send all bytes."""
        self.send(data)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Return at most `size` bytes, none at the end."""
        if self._timeout == 0 and not doors.call("isReadable", self._stream):
            raise BlockingIOError("nothing has arrived")
        received = doors.ask("read", self._stream, size, self._timeout or 0)
        return doors.data(received)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """Receive into a buffer; return how many bytes."""
        received = self.recv(nbytes or len(buffer))
        buffer[: len(received)] = received
        return len(received)

    def settimeout(self, seconds: float | None) -> None:
        """Limit each call from now on; None is no limit."""
        self._timeout = seconds

    def gettimeout(self) -> float | None:
        """Return the limit."""
        return self._timeout

    def setblocking(self, flag: bool) -> None:
        """Set no limit, or the limit 0."""
        self._timeout = None if flag else 0.0

    def setsockopt(self, *_: object) -> None:
        """Do nothing: there are no packets."""

    def getsockopt(self, *_: object) -> int:
        """Return 0: nothing is set, and no error waits."""
        return 0

    def getpeername(self) -> object:
        """Return the address that it has connected to."""
        if self._peer is None:
            raise OSError("not connected")
        return self._peer

    def getsockname(self) -> object:
        """Return an address of this side; none is known."""
        return "" if self.family == AF_UNIX else ("127.0.0.1", 0)

    def fileno(self) -> int:
        """Return a number for `select.poll`, -1 after the end."""
        return FIRST_NUMBER + self._stream if self._stream else -1

    def shutdown(self, how: int) -> None:
        """Close the stream unless it is only for reading."""
        if how != socket.SHUT_RD:
            self._real_close()

    def detach(self) -> int:
        """Give the stream away."""
        stream, self._stream = self._stream, 0
        return stream

    def _real_close(self, *_: object) -> None:
        if stream := self.detach():
            doors.call("close", stream)


class Poll:
    """Look for sockets that can be read, as `select.poll`; each can be written."""

    def __init__(self) -> None:
        self._events: dict[int, int] = {}

    def register(self, socket: Any, events: int = 0) -> None:
        """Look at a socket, or the number of one."""
        number = socket if isinstance(socket, int) else socket.fileno()
        self._events[number] = events or select.POLLIN

    def unregister(self, socket: Any) -> None:
        """Look at it no more."""
        del self._events[socket if isinstance(socket, int) else socket.fileno()]

    def poll(self, timeout: float | None = None) -> list[tuple[int, int]]:
        """Return numbers and events, empty after `timeout` milliseconds."""
        end = None if timeout is None else time.monotonic() + timeout / 1000
        while not (ready := self._ready()):
            if end is not None and time.monotonic() >= end:
                break
            time.sleep(PAUSE)
        return ready

    def _ready(self) -> list[tuple[int, int]]:
        found = []
        for number, events in self._events.items():
            happened = events & select.POLLOUT
            if events & select.POLLIN and doors.call(
                "isReadable", number - FIRST_NUMBER
            ):
                happened |= select.POLLIN
            if happened:
                found.append((number, happened))
        return found


def getaddrinfo(
    host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
) -> list[tuple]:
    """Return the addresses of a host, as `socket.getaddrinfo`."""
    kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
    return [(*kind, (address, int(port or 0))) for address in _addresses(host)]


def _addresses(host: Any) -> list[str]:
    name = host.decode() if isinstance(host, bytes) else host or "localhost"
    if name == "localhost":
        return ["127.0.0.1"]
    if name.replace(".", "").isdigit():
        return [name]
    return list(doors.ask("lookup", name))


def install() -> None:
    """Replace Python's own with them."""
    module: Any = socket
    module.AF_UNIX = AF_UNIX
    module.socket = module.SocketType = Socket
    module.getaddrinfo = getaddrinfo
    polling: Any = select
    polling.poll = Poll
    for name, value in {"POLLIN": 1, "POLLPRI": 2, "POLLOUT": 4}.items():
        if not hasattr(select, name):
            setattr(select, name, value)
