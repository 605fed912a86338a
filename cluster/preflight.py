"""Check what a start needs of this account before anything is started.

Facts are read here and judged by pure methods; `up` raises the first problem, the
doctor shows them all. Programs and disk are checked by the modules that use them.
"""

import os
import resource
from collections.abc import Iterator
from dataclasses import dataclass

import psutil

from cluster import errors
from cluster.resources import memory_available
from cluster.syscalls import inotify_init


@dataclass(frozen=True)
class Account:
    """What this account may use.

    `files` is the hard limit of open files of one process, `processes` that of the
    whole account, None where there is none; `threads` how many it has now;
    `watchers` how many of `WATCHERS` inotify instances it got; `memory` the bytes
    that can still be had.
    """

    files: int | None
    processes: int | None
    threads: int
    watchers: int
    memory: int

    #: 256 is the least that a start worked with; watches and pods want more
    FILES = 512
    #: threads; an idle cluster has about 90, each pod three or more
    THREADS = 300
    #: an idle cluster has 18; editors use them up, and the default is 128
    WATCHERS = 24
    #: bytes; an idle cluster has 690 MB resident, part of which is its own programs
    MEMORY = 500_000_000

    @classmethod
    def read(cls) -> "Account":
        """Ask the kernel."""
        # The kernel does not count root's processes.
        root = os.geteuid() == 0
        return cls(
            files=_hard(resource.RLIMIT_NOFILE),
            processes=None if root else _hard(resource.RLIMIT_NPROC),
            threads=0 if root else _threads(),
            watchers=_watchers(cls.WATCHERS),
            memory=memory_available(),
        )

    def problems(self) -> Iterator[errors.LabError]:
        """Yield an error for everything that is too little; pure."""
        if self.files is not None and self.files < self.FILES:
            way_out = _ulimit("-n", self.FILES, "nofile")
            yield errors.LimitTooLow("open files", self.FILES, self.files, way_out)
        threads = self.threads + self.THREADS
        if self.processes is not None and self.processes < threads:
            way_out = _ulimit("-u", threads, "nproc")
            yield errors.LimitTooLow("processes", threads, self.processes, way_out)
        if self.watchers < self.WATCHERS:
            yield errors.LimitTooLow(
                "inotify instances",
                self.WATCHERS,
                self.watchers,
                "Close editors and other clusters, or raise the limit: "
                "`sudo sysctl fs.inotify.max_user_instances=1024`.",
            )
        if self.memory < self.MEMORY:
            yield errors.NotEnough(
                "memory",
                "for the cluster",
                self.MEMORY,
                self.memory,
                "Close other programs and notebooks, or use a larger machine.",
            )


class PlainAccount(Account):
    """What this account may use, for a control plane without a node."""

    #: threads; one that idles has about 40
    THREADS = 150
    #: one that idles has 6
    WATCHERS = 10


def check(account: type[Account] = Account) -> None:
    """Raise the first of the problems, or return."""
    for problem in account.read().problems():
        raise problem


def _hard(name: int) -> int | None:
    """Return the hard limit: programs raise the soft one themselves."""
    hard = resource.getrlimit(name)[1]
    return None if hard == resource.RLIM_INFINITY else hard


def _ulimit(option: str, number: int, item: str) -> str:
    return (
        f"Raise the limit: `ulimit {option} {number}`, or `{item}` in "
        "/etc/security/limits.conf."
    )


def _watchers(wanted: int) -> int:
    """Make inotify instances, and return how many of `wanted` there are.

    The kernel tells how many a user may have, and not how many are in use.
    """
    made = []
    try:
        while len(made) < wanted:
            made.append(inotify_init())
    except OSError:
        pass  # the answer
    finally:
        for descriptor in made:
            os.close(descriptor)
    return len(made)


def _threads() -> int:
    """Count the threads of this user: the limit is on them, not on processes."""
    mine = os.geteuid()
    return sum(
        process.info["num_threads"] or 0
        for process in psutil.process_iter(["uids", "num_threads"])
        if process.info["uids"] and process.info["uids"].real == mine
    )
