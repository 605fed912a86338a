"""Measure what processes hold and use, and how much CPU was used by others meanwhile.

Memory is proportional (PSS): a page that several processes share counts once. It is
split into anonymous (heap, stacks) and file (program text, which the kernel can drop
and read again).
"""

import ctypes
import os
import re
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from parts import figures

from cluster.machine import identity

#: CPU seconds in a tick of /proc
TICK = 1 / os.sysconf("SC_CLK_TCK")
#: what no Kubernetes API can do without
FLOOR = ("kube-apiserver", "etcd")
#: linux/prctl.h
SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Memory:
    """Megabytes of one process or of several."""

    rss: float = 0.0
    pss: float = 0.0
    anonymous: float = 0.0
    file: float = 0.0

    @classmethod
    def parse(cls, rollup: str) -> "Memory":
        """Read /proc/PID/smaps_rollup; shared memory counts as anonymous."""
        kb = {key: int(n) for key, n in re.findall(r"^(\w+): +(\d+) kB", rollup, re.M)}
        anonymous = kb["Pss_Anon"] + kb["Pss_Shmem"]
        found = (kb["Rss"], kb["Pss"], anonymous, kb["Pss_File"])
        return cls(*(number * 1024 / 1e6 for number in found))

    @classmethod
    def parse_status(cls, status: str) -> "Memory":
        """Read /proc/PID/status, which hides nothing: what is shared is left out."""
        kb = {key: int(n) for key, n in re.findall(r"^(\w+):\s+(\d+) kB", status, re.M)}
        anonymous = (kb["RssAnon"] + kb["RssShmem"]) * 1024 / 1e6
        return cls(kb["VmRSS"] * 1024 / 1e6, anonymous, anonymous)

    @classmethod
    def of(cls, pid: int) -> "Memory":
        """Return that of a process; our relay lets no ordinary user look into it."""
        proc = Path(f"/proc/{pid}")
        try:
            return cls.parse((proc / "smaps_rollup").read_text())
        except PermissionError:
            return cls.parse_status((proc / "status").read_text())

    def __add__(self, other: "Memory") -> "Memory":
        """Return the memory of both."""
        return Memory(
            self.rss + other.rss,
            self.pss + other.pss,
            self.anonymous + other.anonymous,
            self.file + other.file,
        )


def pids_of(state: Path) -> list[int]:
    """Return the processes of the machine of a state directory."""
    return family(identity.pid_of(state, "outer"))


def family(pid: int) -> list[int]:
    """Return a process and its descendants."""
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


def name(pid: int) -> str:
    """Return how the table calls a process; an interpreter has no name of its own."""
    found = psutil.Process(pid).name()
    return "python" if found.startswith("python") else found


def memory(pids: Iterable[int]) -> dict[str, Memory]:
    """Return the memory by program, the largest first."""
    sums: dict[str, Memory] = {}
    for pid in pids:
        try:
            called, found = name(pid), Memory.of(pid)
        except (OSError, KeyError, psutil.Error):
            continue  # ended just now: of a zombie there is no memory
        sums[called] = sums.get(called, Memory()) + found
    return dict(sorted(sums.items(), key=lambda item: -item[1].pss))


def table(used: dict[str, Memory], idle: dict[str, float] | None = None) -> str:
    """Return memory by program, and where given its share of a core, as Markdown."""
    head = ["program, MB", "PSS", "anonymous", "file", "RSS"]
    whole = sum(used.values(), Memory())
    floor = sum((used.get(program, Memory()) for program in FLOOR), Memory())
    rows = [
        [program, *(f"{n:.0f}" for n in (m.pss, m.anonymous, m.file, m.rss))]
        for program, m in [*used.items(), ("sum", whole)]
    ]
    ratio = ["sum x " + " and ".join(FLOOR), f"{whole.pss / floor.pss:.2f}", "", "", ""]
    if idle is not None:
        head.append("CPU, % of a core")
        shares = [*(idle.get(program, 0.0) for program in used), sum(idle.values())]
        for row, share in zip(rows, shares, strict=True):
            row.append(f"{100 * share:.2f}")
        least = sum(idle.get(program, 0.0) for program in FLOOR)
        ratio.append(f"{shares[-1] / least:.2f}")
    return figures.markdown(head, [*rows, ratio])


def cpu(pids: Iterable[int], seconds: float) -> dict[str, float]:
    """Return the share of a core by program over the next seconds.

    What a process starts and reaps meanwhile counts as its own.
    """
    pids = list(pids)
    names = {pid: name(pid) for pid in pids}
    began, before = time.monotonic(), {pid: spent(pid) for pid in pids}
    time.sleep(seconds)
    wall = time.monotonic() - began
    shares: dict[str, float] = {}
    for pid in pids:
        share = max(0.0, spent(pid) - before[pid]) / wall
        shares[names[pid]] = shares.get(names[pid], 0.0) + share
    return shares


def spent(pid: int) -> float:
    """Return the CPU seconds of a process and of its children that it has reaped."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0.0
    # After the name, which may hold blanks: utime, stime, cutime, cstime.
    return sum(map(int, stat.rpartition(")")[2].split()[11:15])) * TICK


def busy(stat: str) -> float:
    """Return the CPU seconds that a machine has used, from the text of /proc/stat.

    Time that another guest of the same host has stolen counts as used.
    """
    user, nice, system, _, _, irq, softirq, steal = map(int, stat.split()[1:9])
    return (user + nice + system + irq + softirq + steal) * TICK


def become_family() -> None:
    """Go on in a child of this process, to which all of our orphans come back.

    A cluster is nobody's child, and would count as a process of others. SIGTERM ends
    the child as Ctrl-C does: what it has started, it removes.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(SET_CHILD_SUBREAPER, ctypes.c_ulong(1), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    child = os.fork()
    if not child:
        signal.signal(signal.SIGTERM, _end)
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the child has it, too
    signal.signal(signal.SIGTERM, lambda number, _: os.kill(child, number))
    while True:
        pid, status = os.wait()
        if pid == child:
            os._exit(abs(os.waitstatus_to_exitcode(status)))


def _end(number: int, _: object) -> None:
    # `timeout` signals a group: the second one must not end the removal.
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(128 + number)


@dataclass
class Others:
    """How much of the machine is used by processes that are not of our family."""

    _began: float = field(default_factory=time.monotonic)
    _spent: float = field(default_factory=lambda: Others._by_others())

    @staticmethod
    def _by_others() -> float:
        ours = sum(map(spent, family(os.getppid())))
        return busy(Path("/proc/stat").read_text()) - ours

    def share(self) -> float:
        """Return the share of all cores since this was made: of 1, never below 0."""
        wall = time.monotonic() - self._began
        used = self._by_others() - self._spent
        return max(0.0, used / wall / os.cpu_count())
