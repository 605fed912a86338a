"""Run a user-mode Linux and its network together: both run, or neither.

slirp4netns leads a port of the loopback device to the node's tunnel, and the relay a
socket in the state directory to that port.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cluster.die_with_parent import die_with_parent
from cluster.local import rootfs
from cluster.machine.layout import SHARED
from cluster.processes import PACKAGES
from cluster.statedir import open_private
from cluster.usermode import components as at, walls
from cluster.waiting import poll

_LISTENER = 3
#: seconds that a part may take to be there
PART_TIMEOUT = 30.0
#: seconds after SIGKILL; a process that is still there waits for a device
LAST = 10.0
#: seconds between two looks
PAUSE = 0.02
#: size of a disk that is written, in bytes; holes take no room
SIZE = 4 << 30
#: paths of this machine that all programs may read
_SYSTEM = (
    *(f"/{name}" for name in rootfs.SYSTEM),
    *(f"/etc/{name}" for name in rootfs.ETC),
)


def main(port: str, relay: str, slirp: str, mkfs: str, *linux: str) -> int:
    """Run the kernel `linux` until a part ends, or this process is asked to."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # Not by SIGKILL: there are children to end.
    die_with_parent(signal.SIGTERM)
    for path in (at.FRAMES, at.ORDERS, at.WAY, at.WRITTEN):
        Path(path).unlink(missing_ok=True)
    make_disk(mkfs, at.WRITTEN)
    network = [slirp, "--target-type=bess", f"--api-socket={at.ORDERS}", at.FRAMES]
    children: list[subprocess.Popen] = []
    try:
        walled = _confine_network(slirp, port)
        _add(children, network, signal.SIGKILL, confine=walled)
        _wait_until(lambda: os.path.exists(at.FRAMES), children, "its network")
        with socket.socket(socket.AF_UNIX) as way:
            way.bind(at.WAY)
            way.listen(128)
            relayed = [sys.executable, "-ISE", relay, "127.0.0.1", port]
            _add(children, relayed, signal.SIGKILL, way)
        walled = _confine_kernel(linux[0])
        # After SIGKILL the processes that ran on it would be left.
        _add(children, list(linux), signal.SIGTERM, confine=walled)
        forward(int(port), children)
        result = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        assert result, "waitid returns None only with WNOHANG"
        [name] = [_name(child) for child in children if child.pid == result.si_pid]
        print(f"{name} ended: {result.si_status}", file=sys.stderr)
        return 1
    except (ChildProcessError, TimeoutError) as error:
        print(f"the node did not come up: {error}", file=sys.stderr)
        return 1
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for child in reversed(children):
            # The network and the relay have nothing to finish.
            end(child, at.GRACE if _name(child) == linux[0] else 0.0)


def _add(children: list[subprocess.Popen], *words: Any, **options: Any) -> None:
    """Start a child, and hold SIGTERM back until it is among `children`.

    slirp4netns becomes two processes at once, and the second would outlive us, with the
    lock of the state directory.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        children.append(start(*words, **options))
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def make_disk(mkfs: str, file: str) -> None:
    """Make an empty disk; raise CalledProcessError."""
    with open(file, "xb", opener=open_private) as disk:
        disk.truncate(SIZE)
        # By its descriptor: a pod that has become the kernel may put a link to another
        # file at the path.
        place = f"/dev/fd/{disk.fileno()}"
        # The disk lives no longer than its kernel.
        command = [mkfs, "-q", "-O", "^has_journal", "-m", "0", place]
        subprocess.run(command, check=True, pass_fds=[disk.fileno()])


def _confine_kernel(linux: str) -> Callable[[], None]:
    """Confine the kernel to the files that the node needs."""
    plan = _plan()
    system = (linux, *_SYSTEM, "/dev/random", "/dev/urandom", "/proc/cpuinfo")
    files = (at.PLAN, at.DISK, f"{at.STATE}/pki", at.PACKAGES_LINK)
    programs = (plan["binaries"], *rootfs.python_files(plan["python_home"]))
    shared = (f"{at.STATE}/{name}" for name in SHARED if name != "pki")
    written = ("/dev/null", f"{at.STATE}/root", *shared)
    read = (*system, *files, f"{PACKAGES}/cluster", *programs)
    return lambda: walls.confine(read, written)


def _confine_network(slirp: str, egress: str) -> Callable[[], None]:
    """Allow connections between the node and the API server only."""
    api = _plan()["port"]
    return lambda: walls.confine(
        (slirp, *_SYSTEM, "/dev/urandom"),
        ("/dev/null", os.path.dirname(at.FRAMES)),
        listen=[int(egress)],
        connect=[api],
    )


def _plan() -> dict[str, Any]:
    return json.loads(Path(at.PLAN).read_text())


def start(
    command: list[str],
    when_we_end: int,
    listener: socket.socket | None = None,
    confine: Callable[[], None] = lambda: None,
    **options: Any,
) -> subprocess.Popen:
    """Start a program, with a group of its own, that gets a signal when we have ended.

    `listener` becomes its descriptor 3, `confine` is called between fork and exec,
    which wants a process without threads; `options` are those of Popen.
    """
    parent = os.getpid()

    def prepare() -> None:
        die_with_parent(when_we_end)
        if os.getppid() != parent:
            os._exit(1)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        if listener:
            os.dup2(listener.fileno(), _LISTENER)
            os.set_inheritable(_LISTENER, True)  # dup2 skips it for the same number
        confine()

    # With our descriptors: the lock that says "running" is one of them.
    options = {"close_fds": False, **options}
    return subprocess.Popen(
        command, preexec_fn=prepare, start_new_session=True, **options
    )


def end(child: subprocess.Popen, grace: float = at.GRACE) -> None:
    """End an unreaped child and its group; raise TimeoutExpired if SIGKILL does not.

    Processes that ran on a killed kernel are in its group, with nothing between them
    and the host any more.
    """
    os.kill(child.pid, signal.SIGTERM)
    poll(lambda: has_ended(child), grace, pause=PAUSE)
    # Not reaped yet, so that the number is nobody else's.
    os.killpg(child.pid, signal.SIGKILL)
    child.wait(LAST)


def has_ended(child: subprocess.Popen) -> bool:
    """Return whether a child has ended, without reaping it."""
    how = os.WEXITED | os.WNOWAIT | os.WNOHANG
    return os.waitid(os.P_PID, child.pid, how) is not None


def forward(port: int, children: list[subprocess.Popen]) -> None:
    """Have slirp4netns lead the port to the node's tunnel; raise OSError."""
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
        # The socket comes when the kernel has connected.
        _wait_until(lambda: _connects(orders, at.ORDERS), children, "its kernel")
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


def _name(child: subprocess.Popen) -> str:
    assert isinstance(child.args, list), "`start` takes no other"
    return os.fsdecode(child.args[0])


def _wait_until(
    condition: Callable[[], bool], children: list[subprocess.Popen], what: str
) -> None:
    def alive() -> None:
        gone = [_name(child) for child in children if has_ended(child)]
        if gone:
            raise ChildProcessError(f"{gone[0]} ended before {what} was there")

    if not poll(condition, PART_TIMEOUT, on_miss=alive, pause=PAUSE):
        raise TimeoutError(f"{what} was not there after {PART_TIMEOUT:.0f} s")
