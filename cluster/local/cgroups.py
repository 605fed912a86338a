"""Have a cgroup for the machine: by those of its pods, Linux enforces their limits.

What can be had is found out by trying. Only version 2 counts: of the first an ordinary
user gets none. systemd gives users all below their `user@UID.service`.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from cluster import syscalls as sc
from cluster.statedir import below, write_private

MOUNT = Path("/sys/fs/cgroup")
#: the controllers without which the kubelet cannot do its part
NEEDED = {"cpu", "memory", "pids"}
#: those that it wants where there are any
_MORE = {"cpuset", "hugetlb"}
#: what a cgroup's new owner must own of it to divide it
_DELEGATED = ("", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads")
#: in a state directory: the cgroup that its machine was given
_NOTE = "cgroup"


def make(state: Path, owner: int) -> int | None:
    """Make a cgroup for the machine of a state directory, whose root is uid `owner`.

    Return the descriptor by which a process moves there, or None where none can be had.
    It has the controllers that limits need and is as near to our own as can be: one
    with processes in it, as ours is, gives none to its children.
    """
    for place in _places():
        made = place / f"kubernetes-lab-{os.getpid()}"
        with suppress(OSError):
            _enable(place, NEEDED)
            # Before there is anything that could be forgotten.
            write_private(state / _NOTE, str(made))
            made.mkdir()
            for name in _DELEGATED:
                os.chown(made / name, owner, -1)
            return os.open(made / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)
        remove(state)
    return None


def _places() -> Iterator[Path]:
    """Yield our own cgroup and those above it that can be seen."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except FileNotFoundError:
        return  # a kernel without any
    for line in lines:
        number, _, path = line.split(":", 2)
        if number == "0" and ".." not in path:
            ours = MOUNT / path.lstrip("/")
            yield from (p for p in (ours, *ours.parents) if p.is_relative_to(MOUNT))


def enter(cgroup: int) -> None:
    """Move this process by what `make` gave, and show that cgroup alone from now on.

    The working directory will be the root. Where it is refused, `divide` will find
    nothing to divide.
    """
    with suppress(OSError):
        # What counts is who opened it.
        os.write(cgroup, b"0")
        sc.unshare(sc.CLONE_NEWCGROUP)
        flags = sc.MS_NOSUID | sc.MS_NODEV | sc.MS_NOEXEC
        # Not at once where it belongs: the host's is there, and the same file system.
        sc.mount("cgroup2", "mnt", "cgroup2", flags)
        sc.mount("mnt", f".{MOUNT}", "", sc.MS_MOVE)
    os.close(cgroup)


def divide(root: Path = MOUNT) -> bool:
    """Leave the cgroup `root` to the kubelet; say whether it can enforce limits in it.

    The calling process moves on into a cgroup beside those that the kubelet makes.
    """
    try:
        have = set((root / "cgroup.controllers").read_text().split())
        if not have >= NEEDED:
            return False
        ours = root / "components"
        ours.mkdir(exist_ok=True)
        _write(ours / "cgroup.procs", "0")
        _enable(root, have & (NEEDED | _MORE))
    except OSError:
        return False
    return True


def _enable(cgroup: Path, controllers: set[str]) -> None:
    words = " ".join(f"+{name}" for name in sorted(controllers))
    _write(cgroup / "cgroup.subtree_control", words)


def _write(path: Path, text: str) -> None:
    # Never a new file: where cgroups are of version 1, this is no cgroup.
    with open(path, "r+") as file:
        file.write(text)


def left(state: Path) -> bool:
    """Say whether the machine of a state directory has a cgroup, or left one."""
    return (state / _NOTE).exists()


def remove(state: Path) -> None:
    """Remove the cgroup of a machine that has ended, if it had one."""
    note = state / _NOTE
    with suppress(OSError):
        made = Path(note.read_text())
        if made.is_relative_to(MOUNT):
            inner = [x.path for x in below(made) if x.is_dir(follow_symlinks=False)]
            for directory in (*reversed(inner), made):
                with suppress(FileNotFoundError):
                    os.rmdir(directory)
        note.unlink()
