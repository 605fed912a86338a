"""Decide which user and group ids the machine's user namespace maps.

Pure: facts in, a plan out. 65536 ids make `runAsUser` and `fsGroup` work; a single
id is what any user may map, and all that most lessons need.
"""

import getpass
import os
import shutil
from dataclasses import dataclass

RANGE = 65536


@dataclass(frozen=True)
class Map:
    """An id map: `how` it is written and its (inside, outside, count) lines.

    `how` is "direct" (written to /proc by a privileged process outside),
    "newuidmap" (by the set-uid programs of the package uidmap) or "single".
    """

    how: str
    uids: tuple[tuple[int, int, int], ...]
    gids: tuple[tuple[int, int, int], ...]

    @property
    def full(self) -> bool:
        """Say whether all 65536 ids exist inside."""
        return sum(count for _, _, count in self.uids) >= RANGE


@dataclass(frozen=True)
class IdFacts:
    """What the decision depends on.

    `subuid` and `subgid` are the (first, count) ranges granted to this user, or
    None; `available` is how many ids exist in the current user namespace.
    """

    uid: int
    gid: int
    privileged: bool
    available: int = 2**32 - 1
    subuid: tuple[int, int] | None = None
    subgid: tuple[int, int] | None = None
    has_newuidmap: bool = False
    no_new_privs: bool = False


def decide(facts: IdFacts) -> Map:
    """Return the widest map that this user may have."""
    if facts.privileged:
        count = min(RANGE, facts.available)
        return Map("direct", ((0, 0, count),), ((0, 0, count),))
    granted = facts.subuid and facts.subgid
    # Set-uid programs do not work under no_new_privs.
    if granted and facts.has_newuidmap and not facts.no_new_privs:
        return Map(
            "newuidmap",
            _with_self(facts.uid, facts.subuid),
            _with_self(facts.gid, facts.subgid),
        )
    return Map("single", ((0, facts.uid, 1),), ((0, facts.gid, 1),))


def _with_self(own: int, granted: tuple[int, int]) -> tuple[tuple[int, int, int], ...]:
    first, count = granted
    return (0, own, 1), (1, first, min(count, RANGE - 1))


def read_facts() -> IdFacts:
    """Read the facts of this process."""
    uid, gid = os.geteuid(), os.getegid()
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # no entry in /etc/passwd, as in many containers
        user = str(uid)
    status = _status()
    return IdFacts(
        uid=uid,
        gid=gid,
        # CAP_SETUID and CAP_SETGID, bits 7 and 6: root in a sandbox may lack them.
        privileged=uid == 0 and (int(status.get("CapEff", "0"), 16) >> 6) & 3 == 3,
        available=_available("/proc/self/uid_map"),
        subuid=_granted("/etc/subuid", user, uid),
        subgid=_granted("/etc/subgid", user, uid),
        has_newuidmap=bool(shutil.which("newuidmap") and shutil.which("newgidmap")),
        no_new_privs=status.get("NoNewPrivs", "0") == "1",
    )


def _status() -> dict[str, str]:
    with open("/proc/self/status") as file:
        pairs = (line.split(":", 1) for line in file if ":" in line)
        return {key: value.strip() for key, value in pairs}


def _available(path: str) -> int:
    """Return how many ids from 0 on exist in this user namespace."""
    with open(path) as file:
        lines = sorted(tuple(map(int, line.split())) for line in file)
    end = 0
    for inside, _, count in lines:
        if inside > end:
            break
        end = max(end, inside + count)
    return end


def _granted(path: str, user: str, uid: int) -> tuple[int, int] | None:
    """Return the first range that `path` (subuid(5)) grants to this user."""
    try:
        with open(path) as file:
            rows = [line.strip().split(":") for line in file]
    except OSError:
        return None
    for row in rows:
        if len(row) == 3 and row[0] in (user, str(uid)):
            return int(row[1]), int(row[2])
    return None
