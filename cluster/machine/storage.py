"""Prepare the state directory for a start, and remove it."""

import contextlib
import os
import shutil
import stat
import subprocess
from pathlib import Path

from cluster import errors, paths, statedir
from cluster.language import say
from cluster.machine import apparmor, cgroups, layout, logs
from cluster.processes import python_command

#: directories that are made anew at each start; objects, keys and images are kept
VOLATILE = ("run", "etc", "node/kubelet", "logs/pods")
KEPT = ("pki", "etcd", "audit", "logs", "node", "node/containerd")
#: a file that names the API server that filled etcd; deleted with the data beside it
_BOOTSTRAPPED = "bootstrapped"
#: bytes that a start wants free: etcd's log alone takes 64 MB beforehand
DISK_NEEDED = 600_000_000


def prepare(state: Path) -> None:
    """Make and clean the directory `state` for a start.

    Raise StateError or NotEnough. Only the holder of the lock may call it.
    """
    with statedir.state_errors(state):
        # The last outer process may have been killed.
        cgroups.remove(state)
        volatile = [state / name for name in (*VOLATILE, "root")]
        if not was_ready(state / "etcd"):
            # An etcd that was ended while it made its files may never elect itself
            # again. No object is lost: that start failed.
            volatile.append(state / "etcd")
        # Pods of an earlier version could put links to anywhere into their place.
        kept = [state / name for name in KEPT]
        for path in (*volatile, *(path for path in kept if path.is_symlink())):
            if os.path.lexists(path):
                remove_tree(path)
        for name in (*KEPT, *VOLATILE):
            # Not `parents`: those would be made with another mode.
            (state / name).mkdir(mode=0o700, exist_ok=True)
        # The learner may have made the directory.
        state.chmod(0o700)
        for name in ("logs", "audit"):
            for path in (state / name).iterdir():
                # Made by a pod.
                if not stat.S_ISREG(path.lstat().st_mode) and path.name != "pods":
                    remove_tree(path)
        logs.rotate(state / "logs")
    if os.statvfs(state).f_flag & os.ST_NOEXEC:
        raise errors.StateError(
            state,
            say("is on a file system mounted noexec; pods run programs from there."),
            say("Name another directory in LAB_STATE_DIR."),
        )
    free = shutil.disk_usage(state).free
    if free < DISK_NEEDED:
        raise errors.NotEnough(
            say("disk space"),
            say("for the cluster's state in {place}", place=state),
            DISK_NEEDED,
            free,
            say("Free some, or name another directory in LAB_STATE_DIR."),
        )


def try_machine(
    main: str, base: Path, *arguments: str, seconds: float
) -> subprocess.CompletedProcess[str]:
    """Call `main(base, *arguments)` in a child that makes a machine of that state.

    Raise subprocess.TimeoutExpired after `seconds`.
    """
    for name in (*KEPT, *VOLATILE):
        (base / name).mkdir(parents=True, exist_ok=True)
    return subprocess.run(
        python_command(main, str(base), *arguments),
        executable=apparmor.interpreter(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        env={"PATH": layout.PATH, "LANG": "C.UTF-8"},
    )


def hand_over(state: Path, ids: range) -> None:
    """Give the machine's part of `state` to its root, the first of the host's `ids`.

    The images of a machine with other ids are imported again.
    """
    images = state / "node" / "containerd"
    if images.lstat().st_uid not in ids:
        remove_tree(images)
        images.mkdir(mode=0o700)
        os.chown(images, ids.start, ids.start)
    for top in {state / name for name in layout.SHARED} - {images}:
        for path in (top, *statedir.entries_below(top)):
            if os.lstat(path).st_uid not in ids:
                os.lchown(path, ids.start, ids.start)


def remove_state(state: Path) -> None:
    """Remove a state directory, except for the learner's progress."""
    marks = [state / mark for mark in reversed(statedir.MARKS)]
    for path in (*(set(state.iterdir()) - set(marks)), *marks):
        if path.name != paths.PROGRESS and os.path.lexists(path):
            remove_tree(path)
    # Not empty: that file, or what a start has made that waited for this end.
    with contextlib.suppress(OSError):
        state.rmdir()


def remove_tree(path: Path) -> None:
    """Remove a file or tree, also of ids of the user namespace; raise StateError."""
    remove = python_command("cluster.machine.idmap.remove_tree", str(path))
    # A pod may have nested directories deeper than Python's own function goes.
    python = apparmor.interpreter()
    for command, program in ((["rm", "-rf", "--", str(path)], None), (remove, python)):
        done = subprocess.run(
            command,
            executable=program,
            capture_output=True,
            text=True,
            env={"PATH": layout.PATH, "LANG": "C.UTF-8"},
        )
        if done.returncode == 0:
            return
    last = (done.stderr.strip().splitlines() or ["?"])[-1]
    raise errors.StateError(
        path,
        f"cannot be removed: {statedir.printable_text(last)}.",
        "Its files belong to another user; that user or root can remove them.",
    )


def is_bootstrapped(etcd: str, binaries: str) -> bool:
    """Return whether this API server has filled this etcd before."""
    return says(Path(etcd, _BOOTSTRAPPED), _api_server(binaries))


def was_ready(etcd: Path) -> bool:
    """Return whether this etcd's cluster has ever been ready, with any API server."""
    return (etcd / _BOOTSTRAPPED).exists()


def remember_bootstrap(etcd: str, binaries: str) -> None:
    """Record that this API server has filled this etcd."""
    statedir.write_private(Path(etcd, _BOOTSTRAPPED), _api_server(binaries))


def says(marker: Path, expected: str) -> bool:
    """Return whether a marker has the expected text; False without a marker."""
    try:
        return marker.read_bytes() == expected.encode()
    except OSError:
        return False


def _api_server(binaries: str) -> str:
    """Name this very program: another version may have other roles to write."""
    facts = Path(binaries, "kube-apiserver").stat()
    return f"{facts.st_size} {facts.st_mtime_ns}"
