"""Make directories that are only ours, and refuse those that others can change.

Programs from the cache run as us, and the state directory has our kubeconfig and keys:
whoever can write there, or to a directory above, decides what runs as us. The rule is
that of OpenSSH's StrictModes, for the directory and each one above it:

it belongs to                  root, us, or the owner of HOME
nobody else can write to it    but for a directory above with the sticky bit, as /tmp,
                               and a group in which nobody else is

HOME itself and what is above it are taken as they are: who can change those can change
what every program of ours reads at its start, and many servers make a home that a whole
group can write to.
"""

import contextlib
import grp
import os
import pwd
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cluster import errors
from cluster.language import mark, say

if TYPE_CHECKING:
    import psutil

#: the kind of file system by which WSL shows the disks of Windows, as /mnt/c
WINDOWS = "drvfs"


def make_private(directory: Path) -> None:
    """Make the directory and missing parents, 0700; accept an existing directory."""
    # `parents=True` would leave those above to the umask.
    for parent in reversed((directory, *directory.parents)):
        if parent == directory or not parent.exists():
            parent.mkdir(mode=0o700, exist_ok=True)


def refuse_changeable(directory: Path, variable: str, *, shared: bool = False) -> None:
    """Raise StateError for a directory in which another account can change something.

    It need not be there. `variable` names it; `shared` trusts its owner as well, as a
    teacher who has prepared it for a class.
    """
    owners = {0, os.geteuid(), *_owner_of_home(), *_unmapped_ids()}
    path = directory.resolve()
    trusted = owners | ({path.stat().st_uid} if shared and path.exists() else set())
    # A missing directory will be made by us.
    inside = os.geteuid()
    home = Path(os.environ.get("HOME", os.sep)).resolve()
    for place in (path, *path.parents):
        if place == home:
            return
        try:
            facts = place.stat()
        except OSError:
            continue
        if facts.st_uid not in trusted:
            text = mark("belongs to {owner}, who could replace what runs as you.")
            raise errors.StateError(
                place,
                say(text, owner=_name(facts.st_uid)),
                say("Name another directory in {variable}.", variable=variable),
            )
        # The sticky bit protects our own entry; any account may have made the others.
        sticky = facts.st_mode & stat.S_ISVTX and place != path and inside in owners
        if not sticky and (who := other_writers(facts)):
            # Nothing changes the permissions there.
            refuse_windows(directory, variable)
            command = f"chmod {'-R ' if place == path else ''}go-w {place}"
            text = mark("{who} can write to it, and replace what runs as you.")
            hint = mark(
                "If nobody has, run `{command}`; else name another directory in "
                "{variable}."
            )
            raise errors.StateError(
                place,
                say(text, who=who),
                say(hint, command=command, variable=variable),
            )
        inside = facts.st_uid


def refuse_windows(directory: Path, variable: str) -> None:
    """Raise StateError for a directory on a disk of Windows, as WSL shows them."""
    if file_system(directory) == WINDOWS:
        text = mark("Name a directory in Linux' own file system in {variable}.")
        raise errors.StateError(
            directory,
            say(
                "is on a disk of Windows, where Linux makes no sockets and others can "
                "write."
            ),
            say(text, variable=variable),
        )


def file_system(path: Path) -> str:
    """Return the kind of file system of `path`, or ""; ask no server."""
    import psutil  # takes long to load

    parts = psutil.disk_partitions(all=True)
    kinds = {Path(part.mountpoint): _kind(part) for part in parts}
    real = path.resolve()
    return next((kinds[at] for at in (real, *real.parents) if at in kinds), "")


def _kind(part: "psutil._common.sdiskpart") -> str:
    # WSL 2 reaches them by 9p or virtiofs, as other machines reach other files.
    by_9p = part.fstype == "9p" and f"aname={WINDOWS}" in part.opts
    by_virtiofs = part.fstype == "virtiofs" and part.device.startswith(WINDOWS)
    return WINDOWS if by_9p or by_virtiofs else part.fstype


def other_writers(facts: os.stat_result) -> str:
    """Return the other accounts that can write to a file, or ""."""
    if facts.st_mode & stat.S_IWOTH:
        return say("every account")
    if facts.st_mode & stat.S_IWGRP and not _is_private(facts.st_gid):
        return say("its group")
    return ""


def _is_private(gid: int) -> bool:
    """Return whether a group is known to have only us and root, as many have."""
    names = {_name(0), _name(os.geteuid())}
    # A directory service may not tell whose first group it is, so none is no answer.
    members = {account.pw_name for account in pwd.getpwall() if account.pw_gid == gid}
    with contextlib.suppress(KeyError):
        group = grp.getgrgid(gid)
        members.update(group.gr_mem, {group.gr_name} & names)
    return bool(members) and members <= names


def _owner_of_home() -> set[int]:
    with contextlib.suppress(KeyError, OSError):
        return {os.stat(os.environ["HOME"]).st_uid}
    return set()


def _unmapped_ids() -> set[int]:
    """Return the id that stands for all that this user namespace does not know."""
    everybody = str(2**32 - 1)
    if sys.platform != "linux":
        return set()  # no user namespaces
    if everybody in Path("/proc/self/uid_map").read_text().split():
        return set()
    return {int(Path("/proc/sys/fs/overflowuid").read_text())}


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
