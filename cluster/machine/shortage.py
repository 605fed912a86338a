"""Say what a running cluster is short of, and what may be removed."""

import os
from pathlib import Path

from cluster import errors, paths, preflight
from cluster.language import mark, say
from cluster.machine import identity

#: bytes; etcd takes 64 MB at a time, has two such files, and lets go of them as it ends
DISK = 200_000_000
#: an image has thousands, a pod a hundred
INODES = 500
#: bytes; the largest process, the API server, takes as much to start again
MEMORY = 300_000_000


def shortages(state: Path) -> dict[str, errors.LabError]:
    """Return an error for each thing that the cluster in `state` is short of."""
    lacks: dict[str, errors.LabError] = {}
    disk = os.statvfs(state)
    free = disk.f_bavail * disk.f_frsize
    if free < DISK:
        lacks["disk space"] = errors.NotEnough(
            say("disk space"),
            say("in {place}", place=state),
            DISK,
            free,
            _removal_hint(state),
        )
    # A file system without a fixed number of inodes says 0.
    if disk.f_files and disk.f_favail < INODES:
        text = mark(
            "Not enough inodes in {place}: {needed} needed, {available} available."
        )
        facts = {"needed": INODES, "available": disk.f_favail}
        lacks["inodes"] = errors.LabError(
            say(text, place=state, **facts), _removal_hint(state)
        )
    # A limit may be only on the cluster.
    leader = identity.pid_of(state, "pid_1") or identity.pid_of(state, "outer")
    memory = preflight.memory_available(
        membership=Path("/proc", str(leader or "self"), "cgroup")
    )
    if memory < MEMORY:
        lacks["memory"] = errors.NotEnough(
            say("memory"),
            say("for the running cluster"),
            MEMORY,
            memory,
            say("Close other programs and notebooks, or delete pods."),
        )
    return lacks


def _removal_hint(state: Path) -> str:
    text = mark(
        "Free some; the cluster then goes on by itself. "
        "You can delete these files of ours: "
        "`rm {state}/logs/*.log.1`, `rm -r {cache}/build`."
    )
    return say(text, state=state, cache=paths.cache_dir())
