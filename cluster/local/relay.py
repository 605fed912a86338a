"""Relay connections from a listening socket to an API server somewhere else.

As a script, `python -ISE relay.py HOST PORT [OWN-PORT]`, the socket is descriptor 3, or
listens on OWN-PORT of all addresses.

Any user of the machine may connect, so descriptors and memory are bounded. A connection
leads nowhere before its first byte, which TLS and HTTP clients send at once. With too
many, the connection that has been quiet longest is closed: a new one is always served.
"""

import resource
import selectors
import socket
import sys
import time

LISTENER = 3
#: connections that are led on at once, and as many that have said nothing yet
PLACES = 512
#: seconds after which a listener that could not accept is asked again
PAUSE = 0.1
#: bytes that wait for a slow receiver, for each direction of a connection
BUFFER = 64 * 1024


class _End:
    """A socket of a connection, and the bytes that wait to be sent."""

    other: "_End"

    def __init__(self, socket: socket.socket) -> None:
        socket.setblocking(False)
        self.socket = socket
        self.waiting = b""
        #: `silent`: its stream has ended; `closed`: we have shut ours
        self.silent = self.closed = False

    def receive(self) -> None:
        """Read from the socket, for the other end; raise OSError."""
        data = self.socket.recv(BUFFER)
        self.other.waiting = data
        self.silent = not data

    def send(self) -> None:
        """Send the waiting bytes, or the end of the stream; raise OSError."""
        if self.waiting:
            self.waiting = self.waiting[self.socket.send(self.waiting) :]
        if self.other.silent and not self.waiting and not self.closed:
            self.socket.shutdown(socket.SHUT_WR)
            self.closed = True

    @property
    def events(self) -> int:
        """Return the events to poll for; 0 for none at the moment."""
        reads = not self.silent and not self.other.waiting
        return selectors.EVENT_READ * reads | selectors.EVENT_WRITE * bool(self.waiting)


class Relay:
    """Relays up to `limit` connections of `listener` to `address`."""

    def __init__(
        self, listener: socket.socket, address: tuple[str, int], limit: int
    ) -> None:
        """Take over the listener."""
        self._listener, self._address, self._limit = listener, address, limit
        #: connections without a first byte, and both ends of the others: those that
        #: have been quiet longest come first
        self._silent: dict[socket.socket, None] = {}
        self._ends: dict[_End, None] = {}
        self._selector = selectors.DefaultSelector()
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ)

    def run(self, alive: socket.socket | None = None) -> None:
        """Relay until `alive` has something to read, if only its end."""
        if alive:
            self._selector.register(alive, selectors.EVENT_READ)
        while True:
            ready = self._selector.select()
            for key, events in ready:
                if key.data:
                    self._move(key.data, events)
                elif key.fileobj is alive:
                    return
                elif (client := key.fileobj) is not self._listener:
                    assert isinstance(client, socket.socket)
                    self._lead_on(client)
            # Last: connections that speak need not make room for silent ones.
            if any(key.fileobj is self._listener for key, _ in ready):
                self._accept()

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except BlockingIOError:
            return  # gone again
        except OSError:
            time.sleep(PAUSE)  # no descriptor left, for now
            return
        if len(self._silent) >= self._limit:
            self._forget(next(iter(self._silent))).close()
        self._silent[client] = None
        self._selector.register(client, selectors.EVENT_READ)

    def _forget(self, client: socket.socket) -> socket.socket:
        del self._silent[client]
        self._selector.unregister(client)
        return client

    def _lead_on(self, client: socket.socket) -> None:
        self._forget(client)
        if len(self._ends) >= 2 * self._limit:
            self._close(next(iter(self._ends)))
        try:
            near, far = _End(client), _End(socket.socket())
        except OSError:
            client.close()
            return  # no descriptor left
        near.other, far.other = far, near
        for end in (near, far):
            if end.socket.family != socket.AF_UNIX:
                # A request is one small segment; waiting for more costs 40 ms.
                end.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # An error shows when something is sent: while the API server is restarting,
        # the client sees a closed connection.
        far.socket.connect_ex(self._address)
        self._ends |= {near: None, far: None}
        self._ask(near)

    def _move(self, end: _End, events: int) -> None:
        """Read or write as an end is ready, unless both ends were closed before."""
        if end not in self._ends:
            return
        try:
            if events & selectors.EVENT_READ:
                end.receive()
                end.other.send()
            if events & selectors.EVENT_WRITE:
                end.send()
        except BlockingIOError:
            pass  # not connected yet, or full
        except OSError:
            self._close(end)  # reset by a side: the other learns it
            return
        if end.closed and end.other.closed:
            self._close(end)
            return
        for side in (end, end.other):
            self._ends[side] = self._ends.pop(side)  # to the end of the line
            self._ask(side)

    def _ask(self, end: _End) -> None:
        key = self._selector.get_map().get(end.socket)
        if end.events and key:
            self._selector.modify(end.socket, end.events, end)
        elif end.events:
            self._selector.register(end.socket, end.events, end)
        elif key:
            self._selector.unregister(end.socket)

    def _close(self, end: _End) -> None:
        for side in (end, end.other):
            del self._ends[side]
            if side.socket in self._selector.get_map():
                self._selector.unregister(side.socket)
            side.socket.close()


def run(
    listener: socket.socket,
    address: tuple[str, int],
    alive: socket.socket | None = None,
) -> None:
    """Relay until `alive` has something to read, or until killed."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # Two files each, and one for one that is silent; some for the program itself.
    Relay(listener, address, max(1, min(PLACES, (hard - 16) // 3))).run(alive)


def main() -> None:
    """Be the script."""
    host, port, *numbers = sys.argv[1:]
    if numbers:
        listener = socket.create_server(("", int(numbers[0])), backlog=512)
    else:
        listener = socket.socket(fileno=LISTENER)
    run(listener, (host, int(port)))


if __name__ == "__main__":
    main()
