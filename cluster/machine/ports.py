"""Take ports of the loopback device, and remember that of the API server."""

import errno
import socket
from contextlib import suppress
from pathlib import Path

from cluster import errors


def port_of(state: Path) -> int:
    """Return the port of the last start, or 0."""
    try:
        port = int((state / "port").read_text())
    except (OSError, ValueError):
        return 0
    return port if 0 < port < 65536 else 0


def listen(port: int) -> socket.socket:
    """Bind the host's port and keep it open, so that no other process can take it."""
    listener = bind(port)
    listener.listen(512)
    return listener


def bind(port: int) -> socket.socket:
    """Return a socket with the port, 0 for any free one; raise PortTaken."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        if error.errno != errno.EADDRINUSE:
            raise errors.StartFailed(
                f"Port 127.0.0.1:{port} cannot be used: {error.strerror}.",
                "Choose another with --port, or leave it out and get a free one.",
            ) from error
        raise errors.PortTaken(port, _owner_of(port)) from error
    return listener


def hold(port: int = 0) -> socket.socket:
    """Return a socket that holds a port, 0 for any free one; raise PortTaken.

    A program that asks for SO_REUSEPORT, such as etcd, can have the port, a stranger
    not.
    """
    # Shared after it is bound: a port that another has already is an error.
    held = bind(port)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return held


def _owner_of(port: int) -> str:
    """Return the process that listens on `port`, as far as this user may know."""
    import psutil

    with suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            listens = (
                connection.status == psutil.CONN_LISTEN
                and connection.laddr.port == port
            )
            if listens and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return ""
