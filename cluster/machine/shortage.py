"""Say what a running cluster lacks at the moment: disk space, inodes, memory.

A component that meets a full disk ends, and is started again until there is room. So
`status` and `doctor` name the disk, and what of ours on it may go.
"""

import contextlib
import itertools
import os
from pathlib import Path

from cluster import errors, paths, preflight, statedir
from cluster.machine import audit, identity

#: bytes; etcd takes 64 MB at a time, has two such files, and lets go of them as it ends
DISK = 200_000_000
#: an image has thousands, a pod a hundred
INODES = 500
#: bytes; the largest process, the API server, takes as much to start again
MEMORY = 300_000_000
#: bytes of ours that are worth a word
WORTH = 5_000_000


def shortages(state: Path) -> dict[str, errors.LabError]:
    """Return an error for each thing that the cluster in `state` is short of."""
    found: dict[str, errors.LabError] = {}
    disk = os.statvfs(state)
    free = disk.f_bavail * disk.f_frsize
    if free < DISK:
        where, way_out = f"in {state}", _what_may_go(state)
        found["disk space"] = errors.NotEnough("disk space", where, DISK, free, way_out)
    # A file system without a fixed number of inodes says 0.
    if disk.f_files and disk.f_favail < INODES:
        found["inodes"] = errors.LabError(
            f"Not enough inodes in {state}: {INODES} needed, "
            f"{disk.f_favail} available.",
            _what_may_go(state),
        )
    # A limit may be on the cluster alone.
    leader = identity.pid_of(state, "pid_1") or identity.pid_of(state, "outer")
    memory = preflight.memory_available(
        membership=Path("/proc", str(leader or "self"), "cgroup")
    )
    if memory < MEMORY:
        way_out = "Close other programs and notebooks, or delete pods."
        found["memory"] = errors.NotEnough(
            "memory", "for the running cluster", MEMORY, memory, way_out
        )
    return found


def _what_may_go(state: Path) -> str:
    """Name the commands that free much on that disk, and how much."""
    cache = paths.cache_dir()
    freed = {
        f"`rm {state}/logs/*.log.1`": (state / "logs").glob("*.log.1"),
        f"`rm {state}/audit/{audit.FULL}`": (state / "audit").glob(audit.FULL),
        f"`rm -r {cache}/build`": [cache / "build"],
        "`python -m helpers delete`, with all objects,": [state],
    }
    ours = [
        f" {command} frees {size / 1e6:.0f} MB."
        for command, places in freed.items()
        if (size := sum(_taken(place, state) for place in places)) > WORTH
    ]
    return "".join(["Free some; the cluster then goes on by itself.", *ours])


def _taken(place: Path, state: Path) -> int:
    """Return what a file or directory takes on the disk of `state`, in bytes."""
    if not preflight.same_disk(place, state):
        return 0
    return sum(map(_blocks, itertools.chain([place], statedir.below(place)))) * 512


def _blocks(path: str | os.PathLike) -> int:
    with contextlib.suppress(OSError):
        return os.lstat(path).st_blocks
    return 0  # it has gone meanwhile
