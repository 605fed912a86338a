"""Tell how much memory and disk this process may still use, in bytes.

A container's limit counts as well as the machine's memory: past it the kernel kills
without a message.
"""

import os
from pathlib import Path

import psutil

_CGROUPS = Path("/sys/fs/cgroup")
#: names of files per cgroup version: limit, usage, key of reclaimable pages
_V2 = ("memory.max", "memory.current", "inactive_file")
_V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def memory_available(
    cgroups: Path = _CGROUPS, membership: Path = Path("/proc/self/cgroup")
) -> int:
    """Return the memory that can still be had: the machine's or a cgroup's rest."""
    rests = [psutil.virtual_memory().available]
    for names, directory in _own_cgroups(cgroups, membership):
        rest = _rest(directory, *names)
        if rest is not None:
            rests.append(max(0, rest))
    return min(rests)


def disk_available(path: Path) -> int:
    """Return the free space for us where `path` is, or will be."""
    return psutil.disk_usage(str(existing(path))).free


def same_disk(one: Path, other: Path) -> bool:
    """Say whether two paths, made or not yet made, share their free space."""
    return existing(one).stat().st_dev == existing(other).stat().st_dev


def existing(path: Path) -> Path:
    """Return the nearest parent of `path` that exists, or `path`."""
    while not path.exists():
        path = path.parent
    return path


def _own_cgroups(cgroups: Path, membership: Path):
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


def _rest(directory: Path, limit: str, usage: str, reclaimable: str) -> int | None:
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
