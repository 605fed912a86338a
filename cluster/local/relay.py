"""Relay connections from the host's port to the API server inside the machine.

Runs as a script of its own, with the standard library alone:
`python -ISE relay.py HOST PORT`, the listening socket being descriptor 3.
"""

import resource
import socket
import sys
import threading

LISTENER = 3


def pump(source: socket.socket, target: socket.socket) -> None:
    """Copy bytes until `source` ends, then close that direction."""
    view = memoryview(bytearray(128 * 1024))
    try:
        while count := source.recv_into(view):
            target.sendall(view[:count])
    except OSError:
        pass  # one side reset: the other must learn it, below
    for end, how in ((target, socket.SHUT_WR), (source, socket.SHUT_RD)):
        try:
            end.shutdown(how)
        except OSError:
            pass  # already gone


def serve(client: socket.socket, address: tuple[str, int]) -> None:
    """Connect `client` with `address` and stay until both directions ended."""
    with client:
        try:
            server = socket.create_connection(address, timeout=5)
        except OSError:
            return  # the API server is restarting: the client sees a closed connection
        join(client, server)


def join(client: socket.socket, server: socket.socket) -> None:
    """Copy between the two until both directions ended, and close `server`."""
    with server:
        server.settimeout(None)
        for end in (client, server):
            if end.family == socket.AF_UNIX:
                continue
            # A request is one small segment; waiting for more costs 40 ms.
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        back = threading.Thread(target=pump, args=(server, client), daemon=True)
        back.start()
        pump(client, server)
        back.join()


def main() -> None:
    """Accept until killed."""
    # Default 8 MB stacks would be reserved twice for each open watch.
    threading.stack_size(256 * 1024)
    address = (sys.argv[1], int(sys.argv[2]))
    free = threading.BoundedSemaphore(places())

    def run(client: socket.socket) -> None:
        try:
            serve(client, address)
        finally:
            free.release()

    with socket.socket(fileno=LISTENER) as listener:
        while True:
            # More than that wait in the kernel's queue instead of failing here.
            free.acquire()
            client, _ = listener.accept()
            client.settimeout(None)
            try:
                threading.Thread(target=run, args=(client,), daemon=True).start()
            except RuntimeError:  # no thread left: this client, not the others
                client.close()
                free.release()


def places() -> int:
    """Raise the limit of open files; return how many connections fit into it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # Two files each; some for the program itself.
    return max(1, (min(hard, 4096) - 16) // 2)


if __name__ == "__main__":
    main()
