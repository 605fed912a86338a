"""Ask systemd for a cgroup of our own, where it runs: a scope with `Delegate=yes`.

What is below such a scope is ours, and nothing else in systemd's tree is, see
https://systemd.io/CGROUP_DELEGATION. `systemd-run --scope` asks for the same.
"""

import ctypes
import errno
import os
import signal
from pathlib import Path

from cluster.waiting import until

#: is there where systemd is the init system, sd_booted(3)
BOOTED = Path("/run/systemd/system")
#: seconds for its answer, and again until we are there; both take milliseconds
_PATIENCE = 2.0
_MANAGER = (
    b"org.freedesktop.systemd1",
    b"/org/freedesktop/systemd1",
    b"org.freedesktop.systemd1.Manager",
)


def manager(uid: int) -> Path:
    """Return the socket of the manager that gives scopes to an account.

    Root's is that of the whole machine: what it starts outlives a logout of root's.
    """
    return Path("/run", f"user/{uid}" if uid else "", "systemd/private")


def own_cgroup(pid: int | str = "self") -> str:
    """Return the cgroup of a process, as `/proc` names it; "" without version 2."""
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    except OSError:
        return ""  # a kernel without any, or the process is gone
    return next((line[3:] for line in lines if line.startswith("0::")), "")


def in_system_service() -> bool:
    """Say whether a service of the machine started us, such as JupyterHub's server.

    The account's manager knows nothing of that service: in one of its scopes a cluster
    would escape the service's limits, and end with a login that has no part in it.
    """
    ours = f"{own_cgroup()}/"
    return ".service/" in ours and "/user.slice/" not in ours


def enter_scope(name: str) -> None:
    """Move this process, and none else, into a new scope; raise OSError.

    It is gone when no process is left in it.
    """
    socket = manager(os.geteuid())
    if not socket.exists():
        raise OSError(errno.ENOENT, "systemd runs no manager for this account")
    # In a child, as the library waits for a minute and a half.
    pid, child = os.getpid(), os.fork()
    if child == 0:
        os._exit(_start_scope(socket, f"{name}.scope", pid))
    if not until(lambda: _has_ended(child), _PATIENCE, pause=0.002):
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    answer = os.waitstatus_to_exitcode(status)
    if answer < 0:
        raise OSError(errno.ETIMEDOUT, "systemd does not answer")
    if answer:
        raise OSError(answer, f"systemd gives no scope ({os.strerror(answer)})")
    # The answer comes when systemd has begun.
    inside = f"/{name}.scope"
    if not until(lambda: own_cgroup().endswith(inside), _PATIENCE, pause=0.002):
        raise OSError(errno.ETIMEDOUT, "systemd moves no process to a scope")


def _has_ended(child: int) -> bool:
    return bool(os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT))


def _start_scope(socket: Path, unit: str, pid: int) -> int:
    """Ask for a scope with the process `pid` in it; return 0 or the number of an error.

    Not by `systemd-run`, which moves itself alone and would be between us and our
    descriptors, environment and exit code.
    """
    try:
        library = ctypes.CDLL("libsystemd.so.0")
    except OSError:
        return errno.ENOPKG
    bus = ctypes.c_void_p()
    properties = (
        *(b"PIDs", b"au", 1, pid),
        *(b"Delegate", b"b", 1),
        *(b"Description", b"s", b"Kubernetes of the notebooks"),
        # Also one that has failed leaves nothing.
        *(b"CollectMode", b"s", b"inactive-or-failed"),
        # The machine has bounds of its own; the default is low on a small computer.
        *(b"TasksMax", b"t", ctypes.c_uint64(-1)),
    )
    call = (*_MANAGER, b"StartTransientUnit", None, None, b"ssa(sv)a(sa(sv))")
    answer = library.sd_bus_new(ctypes.byref(bus))
    for function, words in (
        (library.sd_bus_set_address, (f"unix:path={socket}".encode(),)),
        (library.sd_bus_start, ()),
        (
            library.sd_bus_call_method,
            (*call, unit.encode(), b"fail", 5, *properties, 0),
        ),
    ):
        if answer >= 0:
            answer = function(bus, *words)
    return max(0, -answer)
