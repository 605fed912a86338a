"""Give the machine a cgroup, so that Linux enforces pod limits.

Only version 2 counts: of the first an ordinary user gets none. Where systemd runs, the
cgroup is in a scope of our own with `Delegate=yes`, as `systemd-run --scope` asks for,
https://systemd.io/CGROUP_DELEGATION; elsewhere where nothing has to be switched on.
"""

import ctypes
import errno
import os
import signal
from contextlib import suppress
from pathlib import Path

from cluster import syscalls as sc
from cluster.statedir import entries_below, write_private
from cluster.waiting import poll

MOUNT = Path("/sys/fs/cgroup")
#: the controllers without which the kubelet cannot do its part
NEEDED = {"cpu", "memory", "pids"}
#: controllers that the kubelet uses where they exist
_MORE = {"cpuset", "hugetlb"}
#: files of a delegated cgroup that its new owner must own, cgroups(7)
_DELEGATED = ("", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads")
#: in a state directory: the cgroup that its machine was given
_NOTE = "cgroup"
#: a directory of systems whose init system is systemd, sd_booted(3)
BOOTED = Path("/run/systemd/system")
#: seconds for its answer, and again until the scope has us; both take milliseconds
_SCOPE_TIMEOUT = 2.0
_MANAGER = (
    b"org.freedesktop.systemd1",
    b"/org/freedesktop/systemd1",
    b"org.freedesktop.systemd1.Manager",
)


def make(state: Path, owner: int) -> tuple[int | None, str]:
    """Make a cgroup for the machine of a state directory, whose root is uid `owner`.

    Return the descriptor by which a process moves there, or None and the reason. Where
    systemd runs, this process moves to a scope of its own.
    """
    # Unique also where several containers are shown the same cgroups.
    name = f"kubernetes-lab-{os.urandom(8).hex()}"
    try:
        if first := ", ".join(sorted(version_1_controllers())):
            raise OSError(errno.ENOTSUP, f"version 1 of cgroups has {first}")
        cgroup = _prepare_scope(name) if BOOTED.exists() else _place() / name
        # Before there is anything that could be forgotten.
        write_private(state / _NOTE, str(cgroup))
        cgroup.mkdir()
        for file in _DELEGATED:
            os.chown(cgroup / file, owner, -1)
        return os.open(cgroup / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC), ""
    except OSError as error:
        remove(state)
        return None, error.strerror or str(error)


def version_1_controllers(membership: Path = Path("/proc/self/cgroup")) -> set[str]:
    """Return the needed controllers that version 1 has.

    Version 2 may be there as well, and has none of them then: a hybrid.
    """
    with suppress(OSError):
        lines = (line.split(":") for line in membership.read_text().splitlines())
        return NEEDED & {name for _, names, *_ in lines for name in names.split(",")}
    return set()


def _prepare_scope(name: str) -> Path:
    """Enter a scope of our own; return the path of the machine's cgroup."""
    if os.geteuid() and in_system_service():
        raise OSError(errno.ENOTSUP, "what a system service starts stays in it")
    enter_scope(name)
    scope = _current_path()
    # A cgroup with processes in it gives no controllers to its children.
    (scope / "outer").mkdir()
    _write(scope / "outer" / "cgroup.procs", "0")
    lacking = ", ".join(NEEDED - _words(scope / "cgroup.controllers"))
    if lacking:
        raise OSError(errno.ENOTSUP, f"systemd gives this account no {lacking}")
    _enable(scope, NEEDED)
    return scope / "machine"


def _place() -> Path:
    """Return the nearest cgroup, ours or above, with the controllers switched on.

    We switch on nothing that its owner has not.
    """
    cgroup = _current_path()
    for place in (cgroup, *cgroup.parents):
        with suppress(OSError):
            if _words(place / "cgroup.subtree_control") >= NEEDED and os.access(
                place, os.W_OK
            ):
                return place
    raise OSError(errno.ENOTSUP, "there is no cgroup in which one could be made")


def _current_path() -> Path:
    return MOUNT / cgroup_of().lstrip("/")


def enter(cgroup: int) -> None:
    """Move this process to the cgroup of `make`, and show only that from now on.

    The working directory will be the root. Where it is refused, `divide` will find
    nothing to divide.
    """
    with suppress(OSError):
        # The rights are those of the process that opened it.
        os.write(cgroup, b"0")
        sc.unshare(sc.CLONE_NEWCGROUP)
        flags = sc.MS_NOSUID | sc.MS_NODEV | sc.MS_NOEXEC
        # Not at once where it belongs: the host's is there, and the same file system.
        sc.mount("cgroup2", "mnt", "cgroup2", flags)
        sc.mount("mnt", f".{MOUNT}", "", sc.MS_MOVE)
    os.close(cgroup)


def divide(root: Path = MOUNT) -> bool:
    """Leave the cgroup `root` to the kubelet; say whether limits can be enforced.

    This process moves into a cgroup beside those that the kubelet makes.
    """
    try:
        have = _words(root / "cgroup.controllers")
        if not have >= NEEDED:
            return False
        components = root / "components"
        components.mkdir(exist_ok=True)
        _write(components / "cgroup.procs", "0")
        _enable(root, have & (NEEDED | _MORE))
    except OSError:
        return False
    return True


def _enable(cgroup: Path, controllers: set[str]) -> None:
    words = " ".join(f"+{name}" for name in sorted(controllers))
    _write(cgroup / "cgroup.subtree_control", words)


def _words(path: Path) -> set[str]:
    return set(path.read_text().split())


def _write(path: Path, text: str) -> None:
    # Never a new file: where cgroups are of version 1, this is no cgroup.
    with open(path, "r+") as file:
        file.write(text)


def has_cgroup(state: Path) -> bool:
    """Return whether a cgroup of a state directory's machine exists."""
    return (state / _NOTE).exists()


def remove(state: Path) -> None:
    """Remove the cgroup of a machine that has ended, if there is one."""
    note = state / _NOTE
    with suppress(OSError):
        cgroup = Path(note.read_text())
        if cgroup.is_relative_to(MOUNT):
            inner = [
                x.path for x in entries_below(cgroup) if x.is_dir(follow_symlinks=False)
            ]
            for directory in (*reversed(inner), cgroup):
                with suppress(FileNotFoundError):
                    os.rmdir(directory)
        note.unlink()


def manager(uid: int) -> Path:
    """Return the socket of the systemd that gives scopes to an account.

    Root's is that of the whole machine: its scopes outlive a logout of root's.
    """
    return Path("/run", f"user/{uid}" if uid else "", "systemd/private")


def cgroup_of(pid: int | str = "self") -> str:
    """Return the cgroup of a process, as `/proc` names it; "" without version 2."""
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    except OSError:
        return ""  # a kernel without any, or the process is gone
    return next((line[3:] for line in lines if line.startswith("0::")), "")


def in_system_service() -> bool:
    """Return whether a service of the machine started us, such as JupyterHub's server.

    In a scope of the account's manager a cluster would escape the service's limits, and
    end with some login.
    """
    cgroup = f"{cgroup_of()}/"
    return ".service/" in cgroup and "/user.slice/" not in cgroup


def enter_scope(name: str) -> None:
    """Move this process, and none else, into a new scope; raise OSError.

    The scope is gone when no process is left in it.
    """
    socket = manager(os.geteuid())
    if not socket.exists():
        raise OSError(errno.ENOENT, "systemd runs no manager for this account")
    # In a child, as the library waits for a minute and a half.
    pid, child = os.getpid(), os.fork()
    if child == 0:
        os._exit(_start_scope(socket, f"{name}.scope", pid))
    if not poll(lambda: _has_ended(child), _SCOPE_TIMEOUT, pause=0.002):
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    answer = os.waitstatus_to_exitcode(status)
    if answer < 0:
        raise OSError(errno.ETIMEDOUT, "systemd does not answer")
    if answer:
        raise OSError(answer, f"systemd gives no scope ({os.strerror(answer)})")
    # The answer comes when systemd has begun.
    inside = f"/{name}.scope"
    if not poll(lambda: cgroup_of().endswith(inside), _SCOPE_TIMEOUT, pause=0.002):
        raise OSError(errno.ETIMEDOUT, "systemd moves no process to a scope")


def _has_ended(child: int) -> bool:
    return bool(os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT))


def _start_scope(socket: Path, unit: str, pid: int) -> int:
    """Ask for a scope with the process `pid` in it; return 0 or the number of an error.

    `systemd-run` would move only itself.
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
