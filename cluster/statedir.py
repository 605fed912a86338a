"""The state directory of a cluster, for any backend: make it, lock it, write files.

Every file in it is readable by its owner only, and is written whole or not at all.
"""

import contextlib
import errno
import fcntl
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from cluster import errors, paths
from cluster.language import mark, say
from cluster.permissions import make_private, refuse_changeable, refuse_windows
from cluster.progress import Progress

#: A state directory holds one of these for its whole life. `up.lock` is deleted last: a
#: start that waits for it goes on then.
MARKS = ("up.lock", "machine.lock")
#: This file says that the state is of a control plane.
CONTROL_PLANE_MARK = "control-plane"
#: seconds between two attempts to get a lock
PAUSE = 0.2
#: how often a directory is made that another process removes
ATTEMPTS = 100


def make(state: Path) -> None:
    """Make the directory, or accept it; raise StateError."""
    os.close(_open_lock(state))


def _open_lock(state: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    refuse_windows(state, "LAB_STATE_DIR")
    with state_errors(state):
        for attempt in range(ATTEMPTS):
            refuse_foreign(state)
            try:
                make_private(state)
                refuse_changeable(state, "LAB_STATE_DIR")
                return os.open(state / MARKS[0], flags, 0o600)
            except (FileExistsError, FileNotFoundError):
                # The directory was removed by another process in between.
                if attempt == ATTEMPTS - 1:
                    raise
    raise AssertionError("the loop returns or raises")


def refuse_foreign(state: Path) -> None:
    """Raise StateError for a directory with files that are not ours.

    A start empties directories in there, and `delete` removes all but the progress.
    """
    # In one look: another process may be making the directory, or removing it.
    names = _names(state)
    if names and names.isdisjoint(MARKS):
        raise errors.StateError(
            state,
            say("holds files that are not of these notebooks."),
            say("Name a new or empty directory in LAB_STATE_DIR."),
        )


def has_more(state: Path) -> bool:
    """Return whether the directory holds more than the learner's progress."""
    return bool(_names(state))


def _names(state: Path) -> set[str]:
    with contextlib.suppress(FileNotFoundError):
        return {*os.listdir(state)} - {paths.PROGRESS}
    return set()


@contextlib.contextmanager
def start_lock(
    state: Path, progress: Progress, *, meanwhile: Callable[[], object] = lambda: None
) -> Iterator[None]:
    """Hold the lock of a start, and of a removal, in a directory that is there.

    While another process has it, `progress` is told and `meanwhile` is called. Raise
    StateError.
    """

    def wait() -> None:
        progress.update(say("another process starts or removes the cluster; waiting"))
        meanwhile()

    while True:
        with _hold_lock(_open_lock(state), wait) as lock:
            # Else it is the lock of a directory that has been removed.
            if is_same_file(lock, state / MARKS[0]):
                yield
                return


@contextlib.contextmanager
def hold(file: Path, wait: Callable[[], object]) -> Iterator[None]:
    """Hold the lock on a file; call `wait` all the while another process has it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    with _hold_lock(os.open(file, flags, 0o600), wait):
        yield


@contextlib.contextmanager
def _hold_lock(lock: int, wait: Callable[[], object]) -> Iterator[int]:
    """Lock an open file, and close it in the end."""
    try:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                wait()
                time.sleep(PAUSE)
        yield lock
    finally:
        os.close(lock)


def is_same_file(descriptor: int, path: Path) -> bool:
    """Return whether `path` still leads to an open file."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def state_errors(state: Path) -> Iterator[None]:
    """Turn an OSError inside the block into StateError."""
    try:
        yield
    except OSError as error:
        text = say("cannot be used: {reason}.", reason=error.strerror)
        hint = say(_REMEDIES.get(error.errno or 0, _ELSEWHERE))
        raise errors.StateError(state, text, hint) from error


_ELSEWHERE = mark("Name another directory in LAB_STATE_DIR.")
_SPACE = mark("Free some space there, or name another directory in LAB_STATE_DIR.")
_RIGHTS = mark("Make it writable, or name another directory in LAB_STATE_DIR.")
_REMEDIES = {
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EROFS: _RIGHTS,
}


def read_shared(path: Path, limit: int) -> str:
    """Return the last `limit` bytes of a file that pods may have changed, as text.

    Raise OSError for what is no regular file: a link would lead to a file of the host.
    Nothing of the text moves a terminal's cursor.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    with open(os.open(path, flags), "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(errno.EINVAL, "no regular file", str(path))
        file.seek(max(0, facts.st_size - limit))
        return printable_text(file.read(limit).decode(errors="replace"))


def entries_below(top: Path) -> Iterator[os.DirEntry]:
    """Yield the readable entries below `top`, however deep; follow no links."""
    # Pods can nest directories deeper than `os.walk` of Python 3.11 goes.
    waiting = [os.fspath(top)]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)


def printable_text(text: str) -> str:
    """Return a text without control characters and halves of characters."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def open_private(path: str, flags: int) -> int:
    """Open a file that only its owner can read if it is made now: an `opener`."""
    return os.open(path, flags, 0o600)


def write_private(path: Path, data: bytes | str, *, mode: int = 0o600) -> None:
    """Put `data` into a file that only its owner can read.

    A reader, and a start after a crash, finds the old content or the new one. Raise
    OSError.
    """
    if isinstance(data, str):
        data = data.encode()
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    # Private from the first byte: a chmod afterwards leaves a moment for others.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
