"""Find and signal the processes of a cluster.

A lock that they inherit says whether there are any; `machine.json` has their pids with
start times, because a pid alone may be another's by now.
"""

import contextlib
import fcntl
import json
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cluster import errors, statedir
from cluster.language import say
from cluster.machine import cgroups
from cluster.processes import PACKAGES, start_time

if TYPE_CHECKING:
    import psutil


def is_running(state: Path) -> bool:
    """Return whether any process of the machine is alive."""
    try:
        lock = os.open(state / "machine.lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        answer = fcntl.fcntl(lock, fcntl.F_OFD_GETLK, _WHOLE_FILE)
    finally:
        os.close(lock)
    held = _FLOCK.unpack(answer)[0] != fcntl.F_UNLCK
    # The lock goes with PID 1's files, what is in its namespace a moment later.
    return held or pid_of(state, "pid_1") is not None


@contextlib.contextmanager
def hold_lock(state: Path) -> Iterator[int]:
    """Hold the lock that means "runs"; raise StartFailed if another has it."""
    path = state / "machine.lock"
    while True:
        with statedir.state_errors(state):
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.fcntl(lock, fcntl.F_OFD_SETLK, _WHOLE_FILE)
            # `delete` may have removed the file that we just opened.
            if statedir.is_same_file(lock, path):
                yield lock
                return
        except (BlockingIOError, PermissionError):
            raise errors.StartFailed(
                say("The cluster of this state directory runs already."),
                say("Use it with `connect()`, or stop it with `.venv/bin/kapi stop`."),
            ) from None
        finally:
            os.close(lock)


# A lock of the open file (OFD), not of a process: children inherit it, and asking does
# not take it. With flock(2) two askers would see each other.
# struct flock of 64-bit Linux: type, whence, start, length, pid.
_FLOCK = struct.Struct("hhqqi4x")
_WHOLE_FILE = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


def pid_of(state: Path, who: str) -> int | None:
    """Return the pid of "pid_1" or "outer" of the last start, or None if it is gone."""
    try:
        process = json.loads((state / "machine.json").read_text())[who]
        pid, start = process["pid"], process["start"]
    except (OSError, ValueError, TypeError, KeyError):
        return None
    if not isinstance(pid, int) or pid <= 0 or start is None:
        return None
    return pid if start_time(pid) == start else None


def send(state: Path, number: int) -> None:
    """Send a signal to PID 1, or to the outer process before there is one."""
    leader = pid_of(state, "pid_1") or pid_of(state, "outer")
    # Without any, machine.json is damaged, or not written yet.
    for pid in [leader] if leader else [p.pid for p in processes(state)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def processes(state: Path) -> "list[psutil.Process]":
    """List outer process and PID 1 by their command line, which names our plan."""
    import psutil

    # Any function of ours: with namespaces or without, of this version or another.
    words = [PACKAGES, str(plan_file(state))]
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if (process.info["cmdline"] or [])[4:-1] == words
    ]


def write_state(state: Path, pid_1: int | None) -> None:
    """Write the identity of this process and of PID 1, as the host sees them."""
    processes = {
        name: {"pid": pid, "start": start_time(pid)}
        for name, pid in (("outer", os.getpid()), ("pid_1", pid_1))
        if pid is not None
    }
    where = {"boot": boot(), "cgroup": cgroups.cgroup_of()}
    text = json.dumps(processes | where)
    statedir.write_private(state / "machine.json", text)


@dataclass(frozen=True)
class Run:
    """Where a machine ran: in which `boot` of this computer, and in which cgroup."""

    boot: str
    cgroup: str


def last_run(state: Path) -> Run | None:
    """Return where the machine ran last, or None if that is not known."""
    try:
        run = json.loads((state / "machine.json").read_text())
        return Run(str(run["boot"]), str(run["cgroup"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def boot() -> str:
    """Return the id of this boot of the computer."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def plan_file(state: Path) -> Path:
    """Return the path of the outer process's plan."""
    return state / "plan.json"
