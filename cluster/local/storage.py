"""Prepare the state directory for a start, and remove it or parts of it.

Everything of a cluster is in that one directory; binaries and images are elsewhere.
"""

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

from cluster import errors, logs, paths, statedir
from cluster.local import facts
from cluster.processes import python_command

#: what is made anew at each start; objects, keys and images are kept
VOLATILE = ("run", "etc", "node/kubelet", "logs/pods")
KEPT = ("pki", "etcd", "logs", "node", "node/containerd")
#: bytes that a start wants free: etcd's log alone takes 64 MB beforehand
DISK_NEEDED = 600_000_000


def prepare(state: Path) -> None:
    """Make and clean the directory `state` for a start.

    Raise StateError or NotEnough. Only the holder of the lock may call it.
    """
    with statedir.usable(state):
        volatile = [state / name for name in VOLATILE]
        if not facts.was_ready(state / "etcd"):
            # An etcd that was ended while it made its files may never elect itself
            # again. No object is lost: who started the cluster never got it.
            volatile.append(state / "etcd")
        for path in volatile:
            if path.exists():
                remove_tree(path)
        for name in (*KEPT, *VOLATILE):
            # Not `parents`: those would be made with another mode.
            (state / name).mkdir(mode=0o700, exist_ok=True)
        # It may be a directory that the learner made.
        state.chmod(0o700)
        logs.rotate(state / "logs")
    if os.statvfs(state).f_flag & os.ST_NOEXEC:
        raise errors.StateError(
            state,
            "is on a file system mounted noexec; pods run programs from there.",
            "Name another directory in LAB_STATE_DIR.",
        )
    free = shutil.disk_usage(state).free
    if free < DISK_NEEDED:
        raise errors.NotEnough(
            "disk space",
            f"for the cluster's state in {state}",
            DISK_NEEDED,
            free,
            "Free some, or name another directory in LAB_STATE_DIR.",
        )


def remove_state(state: Path) -> None:
    """Remove a state directory, but not the file of what a learner has solved."""
    for path in state.iterdir():
        if path.name != paths.PROGRESS:
            remove_tree(path)
    # Not empty: that file, or what a start has made that waited for this end.
    with contextlib.suppress(OSError):
        state.rmdir()


def remove_tree(path: Path) -> None:
    """Remove a file or directory, also where ids of the user namespace own parts of it.

    Raise StateError if that is impossible.
    """
    try:
        if not path.is_dir() or path.is_symlink():
            return path.unlink()
        return shutil.rmtree(path)
    except PermissionError:
        pass
    done = subprocess.run(
        python_command("cluster.local.namespaces.remove_tree", str(path)),
        capture_output=True,
        text=True,
        env={"PATH": facts.PATH, "LANG": "C.UTF-8"},
    )
    if done.returncode:
        raise errors.StateError(
            path,
            f"cannot be removed: {(done.stderr.strip().splitlines() or ['?'])[-1]}.",
            "Its files belong to another user; that user or root can remove them.",
        )
