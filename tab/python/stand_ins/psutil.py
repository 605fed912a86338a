"""The processes of the tab: only this Python."""

import os

STATUS_RUNNING, STATUS_ZOMBIE = "running", "zombie"


class Error(Exception):
    """A failure."""


class NoSuchProcess(Error):
    """There is no process of this number."""


class AccessDenied(Error):
    """Never raised here."""


class Process:
    """The process of a number; raise NoSuchProcess unless it is this one."""

    def __init__(self, pid: int | None = None) -> None:
        self.pid = os.getpid() if pid is None else pid
        if not pid_exists(self.pid):
            raise NoSuchProcess(pid)

    def create_time(self) -> float:
        """Return a time that stays the same."""
        return 1.0

    def status(self) -> str:
        """Return that it runs."""
        return STATUS_RUNNING


def pid_exists(pid: int) -> bool:
    """Return whether it is this process."""
    return pid == os.getpid()


def disk_partitions(all: bool = False) -> list:
    """Return none: all files are in memory."""
    return []
