"""Make the directory of a cluster's state, and take turns in it; for any backend."""

from pathlib import Path
from typing import TYPE_CHECKING

from cluster import errors
from cluster.local import ground
from cluster.progress import Progress

if TYPE_CHECKING:
    import filelock

#: one of these is in a state directory from the first moment of its first start on
MARKS = ("up.lock", "machine.lock")


def make(state: Path) -> None:
    """Make the directory, or accept it; raise StateError."""
    with ground.usable(state):
        refuse_foreign(state)
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        (state / "up.lock").touch(mode=0o600)


def refuse_foreign(state: Path) -> None:
    """Raise StateError for a directory with files that are not ours.

    A start empties directories in there, and `delete` removes all of it.
    """
    if (
        state.exists()
        and not any((state / mark).exists() for mark in MARKS)
        and next(state.iterdir(), None)
    ):
        raise errors.StateError(
            state,
            "holds files that are not of these notebooks.",
            "Name a new or empty directory in LAB_STATE_DIR.",
        )


def turn(state: Path, progress: Progress) -> "filelock.BaseFileLock":
    """Return the lock of a start, held; meanwhile say what is waited for."""
    import filelock

    lock = filelock.FileLock(state / "up.lock", mode=0o600)
    while True:
        try:
            return lock.acquire(timeout=0.2)
        except filelock.Timeout:
            progress.update("another process is starting the cluster; waiting")
