"""Hold ports of the loopback device for programs that bind them themselves.

A socket that cannot be handed on, as to etcd, is bound here first and not listened at:
no stranger can have the port then, and a program that asks for SO_REUSEPORT can.
"""

import socket

from cluster import hostport


def hold(port: int = 0) -> socket.socket:
    """Return a socket that holds a port, 0 for any free one; raise PortTaken."""
    # Bound before it is shared: if anybody has the port already, it is an error.
    held = hostport.bind(port)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return held
