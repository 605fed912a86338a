"""Check that this account has the resources of a start, before the start.

`up` raises the first problem, the doctor shows them all. Memory and disk are what this
process may still use, in bytes: a container's limit counts as well as the machine's,
because past it the kernel kills without a message.
"""

import contextlib
import os
import platform
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

from cluster import errors
from cluster.language import mark, say
from cluster.syscalls import inotify_init


@dataclass(frozen=True)
class Account:
    """The limits of this account, None where there is none."""

    #: open files of one process: the hard limit, to which programs raise their own
    files: int | None
    #: threads of the whole account: the hard limit
    processes: int | None
    #: threads that the account has now
    threads: int
    #: how many of `WATCHERS` inotify instances it got
    watchers: int
    #: bytes that can still be had
    memory: int
    #: bytes of one process: the soft limit, which nobody raises
    address_space: int | None = None
    data: int | None = None

    #: 256 is the least that a start worked with; watches and pods want more
    FILES = 512
    #: threads; an idle cluster has about 90, each pod three or more
    THREADS = 300
    #: an idle cluster has 18; editors use them up, and the default is 128
    WATCHERS = 24
    #: bytes; an idle cluster has 690 MB resident, part of which is its own programs
    MEMORY = 500_000_000
    #: bytes; etcd maps 10 GB of addresses for its file, whatever that holds
    ADDRESS_SPACE = 13_000_000_000
    #: bytes; the API server of an idle cluster has 370 MB
    DATA = 600_000_000

    @classmethod
    def read(cls) -> Self:
        """Ask the kernel."""
        # The kernel does not count root's processes.
        root = os.geteuid() == 0
        return cls(
            files=_limit(resource.RLIMIT_NOFILE, hard=True),
            processes=None if root else _limit(resource.RLIMIT_NPROC, hard=True),
            threads=0 if root else _threads(),
            watchers=_watchers(cls.WATCHERS),
            memory=memory_available(),
            address_space=_limit(resource.RLIMIT_AS),
            data=_limit(resource.RLIMIT_DATA),
        )

    def problems(self) -> Iterator[errors.LabError]:
        """Yield an error for everything that is too little; pure."""
        threads = self.threads + self.THREADS
        for what, needed, available, hint in (
            (_FILES, self.FILES, self.files, _ulimit("-n", self.FILES, "nofile")),
            (_PROCESSES, threads, self.processes, _ulimit("-u", threads, "nproc")),
            (_INSTANCES, self.WATCHERS, self.watchers, say(_FEW_WATCHERS)),
        ):
            if available is not None and available < needed:
                text = mark(
                    "This account may have too few {what}: {needed} needed, {found} "
                    "available."
                )
                facts = {"needed": needed, "found": available}
                yield errors.LabError(say(text, what=say(what), **facts), hint)
        space, data = (
            _ulimit(option, "unlimited", item)
            for option, item in (("-v", "as"), ("-d", "data"))
        )
        for what, where, needed, available, hint in (
            (_MEMORY, _ALL, self.MEMORY, self.memory, say(LITTLE_MEMORY)),
            (_SPACE, _ONE, self.ADDRESS_SPACE, self.address_space, space),
            (_DATA, _ONE, self.DATA, self.data, data),
        ):
            if available is not None and available < needed:
                yield errors.NotEnough(say(what), say(where), needed, available, hint)


class PlainAccount(Account):
    """The limits of this account, for a control plane without a node."""

    #: threads; an idle control plane has about 40
    THREADS = 150
    #: an idle control plane has 6
    WATCHERS = 10


def check(account: type[Account] = Account) -> None:
    """Raise the first of the problems, or return."""
    for problem in account.read().problems():
        raise problem


_FILES, _PROCESSES = mark("open files"), mark("processes")
_INSTANCES, _MEMORY = mark("inotify instances"), mark("memory")
_SPACE, _DATA = mark("address space"), mark("data segment")
_ALL, _ONE = mark("for the cluster"), mark("for a program")
#: the way out of too little memory before a start
LITTLE_MEMORY = mark("Close other programs and notebooks, or use a larger machine.")
_FEW_WATCHERS = mark(
    "Close editors and other clusters, or raise the limit: "
    "`sudo sysctl fs.inotify.max_user_instances=1024`."
)


def _limit(name: int, *, hard: bool = False) -> int | None:
    """Return the limit that applies: programs raise only the soft one of files."""
    limit = resource.getrlimit(name)[hard]
    return None if limit == resource.RLIM_INFINITY else limit


def _ulimit(option: str, number: int | str, item: str) -> str:
    text = mark(
        "Raise the limit: `ulimit {option} {number}`, or `{item}` in "
        "/etc/security/limits.conf."
    )
    return say(text, option=option, number=number, item=item)


def _watchers(needed: int) -> int:
    """Try how many of `needed` there are: the kernel tells none in use."""
    with contextlib.ExitStack() as stack:
        for number in range(needed):
            try:
                stack.callback(os.close, inotify_init())
            except OSError:
                return number
    return needed


def _threads() -> int:
    """Count the threads of this user: the limit is on them, not on processes."""
    mine = os.geteuid()
    return sum(
        process.info["num_threads"] or 0
        for process in psutil.process_iter(["uids", "num_threads"])
        if process.info["uids"] and process.info["uids"].real == mine
    )


_CGROUPS = Path("/sys/fs/cgroup")
#: names of files per cgroup version: limit, usage, key of reclaimable pages
_V2 = ("memory.max", "memory.current", "inactive_file")
_V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def memory_available(
    cgroups: Path = _CGROUPS, membership: Path = Path("/proc/self/cgroup")
) -> int:
    """Return the memory that can still be had: the machine's or a cgroup's rest."""
    limits = _limiting_cgroups(cgroups, membership)
    rests = [_free_memory(directory, *names) for names, directory in limits]
    free = [max(0, rest) for rest in rests if rest is not None]
    return min([psutil.virtual_memory().available, *free])


def processors() -> int:
    """Return how many processors this process may use; macOS has no such limit."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def disk_available(path: Path) -> int:
    """Return the free space for us where `path` is, or will be."""
    return psutil.disk_usage(str(existing_parent(path))).free


def in_wsl() -> bool:
    """Return whether this is Windows' Linux; its kernel has the maker's name."""
    return "microsoft" in platform.release().lower()


def existing_parent(path: Path) -> Path:
    """Return the nearest parent of `path` that exists, or `path`."""
    while not path.exists():
        path = path.parent
    return path


def _limiting_cgroups(
    cgroups: Path, membership: Path
) -> Iterator[tuple[tuple[str, str, str], Path]]:
    """Yield file names and directory of every cgroup whose limit binds us."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, name = line.split(":", 2)
        if controllers == "":
            names, root = _V2, cgroups
        elif "memory" in controllers.split(","):
            names, root = _V1, cgroups / "memory"
        else:
            continue
        # In a container the name may be the host's and lead nowhere, while the
        # root of the mount is already ours: all that exist are asked.
        inner = Path(os.path.normpath("/" + name.lstrip("/"))).relative_to("/")
        for part in (inner, *inner.parents):
            yield names, root / part


def _free_memory(
    directory: Path, limit: str, usage: str, reclaimable: str
) -> int | None:
    try:
        most = (directory / limit).read_text().strip()
        used = int((directory / usage).read_text())
        stat = (directory / "memory.stat").read_text()
    except (OSError, ValueError):
        return None
    # v2 says "max"; v1 says a number near 2^63. Both mean none.
    if not most.isdigit() or int(most) > 1 << 60:
        return None
    # Page cache counts as used but goes first when memory is wanted.
    pages = dict(line.split(maxsplit=1) for line in stat.splitlines())
    return int(most) - used + int(pages.get(reclaimable, 0))
