"""Lead the API server on the host to the kubelet and to pods: an HTTP CONNECT proxy.

A script in the node: `python -ISE tunnel.py ADDRESS PORT`. The node's loopback device
is not reached.
"""

import ipaddress
import resource
import socket
import sys
import threading

#: bytes; a CONNECT is a line and a few headers
_LONGEST = 8192


def target(head: bytes) -> tuple[str, int] | None:
    """Return the address in a request's head; None for a name or loopback."""
    verb, _, rest = head.partition(b"\r\n")[0].decode("latin-1").partition(" ")
    host, _, port = rest.partition(" ")[0].rpartition(":")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if verb != "CONNECT" or address.is_loopback or not port.isascii():
        return None
    return (str(address), int(port)) if port.isdigit() else None


def serve(client: socket.socket) -> None:
    """Answer one request and stay until both directions ended."""
    with client:
        client.settimeout(10)
        head = b""
        try:
            while b"\r\n\r\n" not in head and len(head) < _LONGEST:
                chunk = client.recv(_LONGEST)
                if not chunk:
                    return
                head += chunk
            address = target(head)
            if address is None:
                client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                return
            server = _connect(client, address)
            client.settimeout(None)
        except OSError:
            return  # the client is gone, or did not speak
        if server:
            # The client speaks again only after our answer: nothing follows the head.
            join(client, server)


def _connect(client: socket.socket, address: tuple[str, int]) -> socket.socket | None:
    try:
        server = socket.create_connection(address, timeout=10)
    except OSError:
        client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
        return None
    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
    return server


def pump(source: socket.socket, target: socket.socket) -> None:
    """Copy bytes until `source` ends, then close that direction."""
    view = memoryview(bytearray(128 * 1024))
    try:
        while count := source.recv_into(view):
            target.sendall(view[:count])
    except OSError:
        pass  # reset by a side: the other must learn it, below
    for end, how in ((target, socket.SHUT_WR), (source, socket.SHUT_RD)):
        try:
            end.shutdown(how)
        except OSError:
            pass  # already gone


def join(client: socket.socket, server: socket.socket) -> None:
    """Copy between the two until both directions ended, and close `server`."""
    with server:
        server.settimeout(None)
        for end in (client, server):
            # A request is one small segment; waiting for more costs 40 ms.
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        back = threading.Thread(target=pump, args=(server, client), daemon=True)
        back.start()
        pump(client, server)
        back.join()


def main() -> None:
    """Accept until killed."""
    # Default 8 MB stacks would be reserved twice for each connection.
    threading.stack_size(256 * 1024)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with socket.create_server((sys.argv[1], int(sys.argv[2])), backlog=128) as listener:
        while True:
            client, _ = listener.accept()
            threading.Thread(target=serve, args=(client,), daemon=True).start()


if __name__ == "__main__":
    main()
