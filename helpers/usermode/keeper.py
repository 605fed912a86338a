"""Keep a user-mode Linux and its network together: all of it runs, or nothing.

A script of its own with the standard library alone: `python -IS keeper.py PORT RELAY
SLIRP4NETNS LINUX ARGUMENT...`. slirp4netns leads PORT of the loopback device to the
node's tunnel, and the script RELAY a socket in the state directory to PORT. That is
where this works.
"""

import contextlib
import ctypes
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LISTENER = 3
#: seconds that the network may take to be there
PATIENCE = 30.0
#: seconds from SIGTERM to SIGKILL
GRACE = 1.5


def main() -> int:
    """Run them until one ends, or this process is asked to."""
    port, relay, slirp, *linux = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    for path in (at.FRAMES, at.ORDERS, at.WAY, at.WRITTEN):
        Path(path).unlink(missing_ok=True)
    network = [slirp, "--target-type=bess", f"--api-socket={at.ORDERS}", at.FRAMES]
    children = []
    try:
        children.append(start(network, signal.SIGKILL))
        _until(lambda: os.path.exists(at.FRAMES), children)
        with socket.socket(socket.AF_UNIX) as way:
            way.bind(at.WAY)
            way.listen(128)
            relayed = [sys.executable, "-ISE", relay, "127.0.0.1", port]
            children.append(start(relayed, signal.SIGKILL, way))
        # By SIGKILL it would leave the processes behind whose kernel it is.
        children.append(start(linux, signal.SIGTERM))
        # It takes orders only once the kernel is connected.
        forward(int(port), children)
        pid, status = os.wait()
        [name] = [child.args[0] for child in children if child.pid == pid]
        print(f"{name} ended: {os.waitstatus_to_exitcode(status)}", file=sys.stderr)
        return 1
    finally:
        for child in reversed(children):
            end(child)


def start(
    command: list[str], when_we_end: int, listener: socket.socket | None = None
) -> subprocess.Popen:
    """Start a program that gets the signal when this process has ended.

    `listener` becomes its descriptor 3.
    """
    parent = os.getpid()

    def leash() -> None:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(when_we_end), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
        if listener:
            os.dup2(listener.fileno(), _LISTENER)
            os.set_inheritable(_LISTENER, True)  # it may have been that one already

    # With our descriptors: the lock that says "running" is one of them.
    return subprocess.Popen(command, preexec_fn=leash, close_fds=False)


def end(child: subprocess.Popen) -> None:
    """End it: at once, or after the grace."""
    child.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(GRACE)
    child.kill()
    child.wait()


def forward(port: int, children: list[subprocess.Popen]) -> None:
    """Have slirp4netns lead the port to the node's tunnel; raise OSError.

    None of the children may end before.
    """
    order = {
        "execute": "add_hostfwd",
        "arguments": {
            "proto": "tcp",
            "host_addr": "127.0.0.1",
            "host_port": port,
            "guest_addr": at.GUEST_IP,
            "guest_port": at.TUNNEL_PORT,
        },
    }
    with socket.socket(socket.AF_UNIX) as orders:
        _until(lambda: _connects(orders, at.ORDERS), children)
        orders.sendall(json.dumps(order).encode())
        orders.shutdown(socket.SHUT_WR)
        answer = orders.makefile().read()
    if "error" in json.loads(answer):
        raise OSError(f"slirp4netns does not lead port {port} on: {answer}")


def _connects(client: socket.socket, path: str) -> bool:
    try:
        client.connect(path)
    except OSError:
        return False
    return True


def _until(condition: Callable[[], bool], alive: list[subprocess.Popen]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        ended = [child.args[0] for child in alive if child.poll() is not None]
        if ended:
            raise ChildProcessError(f"{ended[0]} ended before the network was there")
        if time.monotonic() > deadline:
            raise TimeoutError(f"the network is not there after {PATIENCE:.0f} s")
        time.sleep(0.02)


def _layout():
    """Load the module beside this file: the package's others are not for this."""
    file = Path(__file__).with_name("layout.py")
    spec = importlib.util.spec_from_file_location("layout", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


at = _layout()

if __name__ == "__main__":
    sys.exit(main())
