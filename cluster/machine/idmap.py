"""Decide which user and group ids the machine's user namespace maps, and map them.

65536 ids make `runAsUser` and `fsGroup` work; most lessons need a single id, which any
user may map. For the host's root, uid 0 inside is the first of 65536 ids that no
account has, as with `systemd-nspawn --private-users=pick`; the path of the state
directory says which. Root of a container has the ids that exist there.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cluster import syscalls as sc
from cluster.language import mark

RANGE = 65536
#: blocks of that size that hold no accounts by custom, https://systemd.io/UIDS-GIDS
BLOCKS = range(8, 28672)
#: how many ids a kernel has
EVERY = 2**32 - 1


@dataclass(frozen=True, order=True)
class Row:
    """A line of a uid_map or gid_map, user_namespaces(7): ids that follow each other.

    `inside` and `outside` are the first id of `count` in and outside of the namespace.
    """

    inside: int
    outside: int
    count: int

    def words(self) -> list[str]:
        """Return the three numbers as the kernel and newuidmap(1) read them."""
        return [str(self.inside), str(self.outside), str(self.count)]


@dataclass(frozen=True)
class Map:
    """An id map: `how` it is written, and its rows.

    `how` is "direct" (by root), "newuidmap" (by set-uid programs) or "single".
    """

    how: str
    uids: tuple[Row, ...]
    gids: tuple[Row, ...]

    @property
    def full(self) -> bool:
        """Return whether all 65536 ids exist inside."""
        return sum(row.count for row in self.uids) >= RANGE


@dataclass(frozen=True)
class IdFacts:
    """The facts for `decide`.

    `available` is how many ids exist in the current user namespace, `starts` the ids at
    which a row of its maps begins, `unused` the first of the ids that nobody has;
    `subuid` and `subgid` are the (first, count) ranges granted to this user, or None.
    """

    uid: int
    gid: int
    privileged: bool
    available: int = EVERY
    starts: tuple[int, ...] = (0,)
    unused: int = 0
    subuid: tuple[int, int] | None = None
    subgid: tuple[int, int] | None = None
    has_newuidmap: bool = False
    no_new_privs: bool = False


def decide(facts: IdFacts) -> Map:
    """Return the widest map that this user may have."""
    if facts.uid == 0 and facts.available >= EVERY:
        block = Row(0, facts.unused, RANGE)
        return Map("direct", (block,), (block,))
    if facts.privileged:
        # The kernel takes no row that goes over the end of one of the map above.
        ends = (*facts.starts[1:], min(RANGE, facts.available))
        rows = tuple(
            Row(first, first, end - first)
            for first, end in zip(facts.starts, ends, strict=True)
        )
        return Map("direct", rows, rows)
    # Set-uid programs do not work under no_new_privs.
    may_call = facts.has_newuidmap and not facts.no_new_privs
    if facts.subuid and facts.subgid and may_call:
        return Map(
            "newuidmap",
            _with_self(facts.uid, facts.subuid),
            _with_self(facts.gid, facts.subgid),
        )
    return single_map(facts.uid, facts.gid)


def single_map(uid: int, gid: int) -> Map:
    """Return the map of a single id, which every user may write."""
    return Map("single", (Row(0, uid, 1),), (Row(0, gid, 1),))


def _with_self(outside: int, granted: tuple[int, int]) -> tuple[Row, ...]:
    first, count = granted
    return Row(0, outside, 1), Row(1, first, min(count, RANGE - 1))


def unused_block(state: str, taken: Iterable[range]) -> int:
    """Return the first id of a block that holds none of the ids `taken`.

    The same directory has the same block, unless another takes an id in it, as its own
    running machine does.
    """
    full = {
        block
        for ids in taken
        for block in range(ids.start // RANGE, (ids.stop - 1) // RANGE + 1)
    }
    digest = hashlib.sha256(os.fsencode(state)).digest()
    first = int.from_bytes(digest[:8]) % len(BLOCKS)
    turned = (*BLOCKS[first:], *BLOCKS[:first])
    return next(block for block in turned if block not in full) * RANGE


def read_facts(state: str | os.PathLike = "") -> IdFacts:
    """Read the facts of this process, for the machine of a state directory."""
    uid, gid = os.geteuid(), os.getegid()
    try:
        user = pwd.getpwuid(uid).pw_name  # as newuidmap does; not LOGNAME
    except KeyError:  # no entry in /etc/passwd, as in many containers
        user = str(uid)
    status = _status()
    maps = [_rows(f"/proc/self/{name}_map") for name in ("uid", "gid")]
    ids = min(map(count_available, maps))
    return IdFacts(
        uid=uid,
        gid=gid,
        # Root in a sandbox may lack them.
        privileged=uid == 0 and int(status["CapEff"], 16) & _NEEDED == _NEEDED,
        available=ids,
        starts=row_starts(maps, min(ids, RANGE)),
        unused=unused_block(os.fspath(state), (*_account_ids(), *_machine_blocks()))
        if uid == 0
        else 0,
        subuid=granted_range(_text("/etc/subuid"), user, uid),
        subgid=granted_range(_text("/etc/subgid"), user, uid),
        has_newuidmap=bool(shutil.which("newuidmap") and shutil.which("newgidmap")),
        no_new_privs=status.get("NoNewPrivs", "0") == "1",
    )


def _status() -> dict[str, str]:
    """Return the fields of this process's status, proc_pid_status(5)."""
    fields = {}
    for line in _text("/proc/self/status").splitlines():
        name, _, value = line.partition(":\t")
        fields[name] = value
    return fields


#: CAP_SETGID, CAP_SETUID and CAP_SYS_ADMIN, by their numbers
_NEEDED = 1 << 6 | 1 << 7 | 1 << 21


def _account_ids() -> Iterable[range]:
    """List the ids that accounts, groups and their subordinate ids have."""
    for path, first in (
        ("/etc/passwd", 2),
        ("/etc/group", 2),
        ("/etc/subuid", 1),
        ("/etc/subgid", 1),
    ):
        for line in _text(path).splitlines():
            numbers = line.strip().split(":")[first:3]
            if numbers and all(number.isdecimal() for number in numbers):
                start = int(numbers[0])
                yield range(start, start + (int(numbers[1]) if first == 1 else 1))


def _machine_blocks() -> Iterator[range]:
    """List the blocks of running machines: two paths can have the same hash."""
    for path in Path("/proc").glob("[0-9]*/uid_map"):
        with suppress(OSError):  # a process that has just ended
            for row in _rows(path):
                if row.count == RANGE:
                    yield range(row.outside, row.outside + row.count)


def _rows(path: str | os.PathLike) -> list[Row]:
    with open(path) as file:
        return [Row(*map(int, line.split())) for line in file]


def row_starts(maps: Iterable[list[Row]], end: int) -> tuple[int, ...]:
    """Return the ids below `end` at which a row of any of the maps begins."""
    ids = {row.inside for rows in maps for row in rows}
    return tuple(sorted(inside for inside in ids if inside < end))


def count_available(rows: list[Row]) -> int:
    """Return how many ids from 0 on exist, by the rows of a uid_map or gid_map."""
    end = 0
    for row in sorted(rows):
        if row.inside > end:
            break
        end = max(end, row.inside + row.count)
    return end


def _text(path: str) -> str:
    """Return the content of a file, "" without one."""
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""


def granted_range(text: str, user: str, uid: int) -> tuple[int, int] | None:
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


@sc.step(mark("being root of a user namespace"))
def become_root(state: Path) -> Map:
    """Become root, in a user namespace if need be; return the ids for the next.

    Raise StepRefused: where AppArmor restricts it, root of one has no capabilities.
    """
    ids = decide(read_facts(state))
    if ids.how == "direct":
        return ids
    new_user_namespace(ids)
    if Path("/proc/self/setgroups").read_text().strip() == "allow":
        os.setgroups([])
    return decide(read_facts(state))


def remove_tree(path: str) -> None:
    """Remove a directory that ids of the user namespace own parts of."""
    become_root(Path(path))
    os.execvp("rm", ["rm", "-rf", "--", path])


def new_user_namespace(ids: Map, more: int = 0) -> None:
    """Unshare a user namespace, and `more`; a helper outside writes the map."""
    target = os.getpid()
    unshared_r, unshared_w = os.pipe()
    answer_r, answer_w = os.pipe()
    helper = os.fork()
    if helper == 0:
        os.close(unshared_w)
        if os.read(unshared_r, 1):
            os.write(answer_w, _map_or_single(ids, target).encode())
        os._exit(0)
    os.close(answer_w)
    try:
        with sc.step(mark("making a user namespace")):
            sc.unshare(sc.CLONE_NEWUSER | more)
        os.write(unshared_w, b"x")
        problem = os.read(answer_r, 4096).decode()
    finally:
        os.close(unshared_w)
        os.close(unshared_r)
        os.close(answer_r)
        os.waitpid(helper, 0)
    if problem:
        raise sc.StepRefused(mark("mapping user ids"), problem)


def _map_or_single(ids: Map, pid: int) -> str:
    problem = _write_map(ids, pid)
    # /etc/subuid may promise what newuidmap then refuses. Most lessons need one id.
    untouched = not Path(f"/proc/{pid}/uid_map").read_text().strip()
    if problem and ids.how == "newuidmap" and untouched:
        return _write_map(single_map(os.geteuid(), os.getegid()), pid)
    return problem


def _write_map(ids: Map, pid: int) -> str:
    """Write the maps of `pid`; return the reason of a failure, or ""."""
    try:
        if ids.how == "newuidmap":
            for name, rows in (("uid", ids.uids), ("gid", ids.gids)):
                words = [word for row in rows for word in row.words()]
                done = subprocess.run(
                    [f"new{name}map", str(pid), *words], capture_output=True, text=True
                )
                if done.returncode:
                    return done.stderr.strip() or f"new{name}map failed"
            return ""
        if ids.how == "single":
            # Without it an ordinary user may not write the group map.
            Path(f"/proc/{pid}/setgroups").write_text("deny")
        for name, rows in (("uid", ids.uids), ("gid", ids.gids)):
            text = "\n".join(" ".join(row.words()) for row in rows)
            Path(f"/proc/{pid}/{name}_map").write_text(text)
    except OSError as error:
        return error.strerror or str(error)
    return ""
