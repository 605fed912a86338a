"""Decide which user and group ids the machine's user namespace maps.

Pure: facts in, a plan out. 65536 ids make `runAsUser` and `fsGroup` work; a single
id is what any user may map, and all that most lessons need.
"""

import os
import pwd
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
    # Set-uid programs do not work under no_new_privs.
    may_call = facts.has_newuidmap and not facts.no_new_privs
    if facts.subuid and facts.subgid and may_call:
        return Map(
            "newuidmap",
            _with_self(facts.uid, facts.subuid),
            _with_self(facts.gid, facts.subgid),
        )
    return single(facts.uid, facts.gid)


def single(uid: int, gid: int) -> Map:
    """Return the map of one id, which every user may have."""
    return Map("single", ((0, uid, 1),), ((0, gid, 1),))


def _with_self(own: int, granted: tuple[int, int]) -> tuple[tuple[int, int, int], ...]:
    first, count = granted
    return (0, own, 1), (1, first, min(count, RANGE - 1))


def read_facts() -> IdFacts:
    """Read the facts of this process."""
    uid, gid = os.geteuid(), os.getegid()
    try:
        user = pwd.getpwuid(uid).pw_name  # what newuidmap asks, too; not LOGNAME
    except KeyError:  # no entry in /etc/passwd, as in many containers
        user = str(uid)
    status = _status()
    return IdFacts(
        uid=uid,
        gid=gid,
        # CAP_SETUID and CAP_SETGID, bits 7 and 6: root in a sandbox may lack them.
        privileged=uid == 0 and (int(status.get("CapEff", "0"), 16) >> 6) & 3 == 3,
        available=min(
            _available("/proc/self/uid_map"), _available("/proc/self/gid_map")
        ),
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
    with open(path) as file:
        return available([tuple(map(int, line.split())) for line in file])


def available(lines: list[tuple[int, ...]]) -> int:
    """Return how many ids from 0 on exist, by the lines of a uid_map or gid_map."""
    end = 0
    for inside, _, count in sorted(lines):
        if inside > end:
            break
        end = max(end, inside + count)
    return end


def _granted(path: str, user: str, uid: int) -> tuple[int, int] | None:
    try:
        with open(path) as file:
            return granted(file.read(), user, uid)
    except (OSError, UnicodeDecodeError):
        return None


def granted(text: str, user: str, uid: int) -> tuple[int, int] | None:
    """Return the widest range that a subuid(5) file grants to this user, or None."""
    rows = [line.strip().split(":") for line in text.splitlines()]
    ranges = [
        (int(row[1]), int(row[2]))
        for row in rows
        if len(row) == 3
        and row[0] in (user, str(uid))
        and row[1].isdecimal()
        and row[2].isdecimal()
        and int(row[2]) > 0
    ]
    return max(ranges, key=lambda pair: pair[1], default=None)
