"""Mount directories so that a user namespace allows it, and say what was refused."""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from cluster import syscalls as sc


class StepRefused(Exception):
    """A step that the kernel refused: `step` in words, `reason` the kernel's."""

    def __init__(self, step: str, reason: str) -> None:
        """Keep both for the message that a person sees."""
        self.step, self.reason = step, reason
        super().__init__(f"{step}: {reason}")


@contextmanager
def step(words: str) -> Iterator[None]:
    """Turn an OSError inside the block into StepRefused with these words."""
    try:
        yield
    except OSError as error:
        raise StepRefused(words, error.strerror or str(error)) from error


def bind(
    host: str, inside: str, *, read_only: bool = False, recursive: bool = True
) -> None:
    """Show the file or directory `host` at `inside`, which is made if need be."""
    with step(f"showing {host} inside"):
        if os.path.isdir(host):
            os.makedirs(inside, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(inside), exist_ok=True)
            os.close(os.open(inside, os.O_CREAT | os.O_WRONLY, 0o600))
        sc.mount(host, inside, "", sc.MS_BIND | (sc.MS_REC if recursive else 0))
    if read_only:
        with (
            step(f"making {host} read-only inside"),
            open("/proc/self/mountinfo", "rb") as file,
        ):
            # A remount reaches one mount, not those below it.
            for path in mounts_below(os.fsencode(inside), file):
                flags = sc.MS_REMOUNT | sc.MS_BIND | sc.MS_RDONLY | _locked_flags(path)
                sc.mount("none", os.fsdecode(path), "", flags)


def mounts_below(path: bytes, mountinfo: Iterable[bytes]) -> list[bytes]:
    """Return the mount points at and below `path`, by the lines of mountinfo."""
    points = [
        # Blanks and the like are written as three octal digits.
        re.sub(rb"\\(\d{3})", lambda m: bytes([int(m[1], 8)]), line.split(b" ")[4])
        for line in mountinfo
    ]
    return [p for p in points if p == path or p.startswith(path + b"/")]


def _locked_flags(path: bytes) -> int:
    # In a user namespace a remount may not drop the flags that the mount has.
    have = os.statvfs(path).f_flag
    pairs = (
        (os.ST_NOSUID, sc.MS_NOSUID),
        (os.ST_NODEV, sc.MS_NODEV),
        (os.ST_NOEXEC, sc.MS_NOEXEC),
        (os.ST_NOATIME, sc.MS_NOATIME),
        (os.ST_NODIRATIME, sc.MS_NODIRATIME),
        (os.ST_RELATIME, sc.MS_RELATIME),
    )
    return sum(flag for bit, flag in pairs if have & bit)


def can_overlay(directory: str) -> bool:
    """Say whether an overlay with its upper directory in `directory` works here."""
    base = os.path.join(directory, "overlay-probe")
    for name in ("lower", "upper", "work", "merged"):
        os.makedirs(f"{base}/{name}", exist_ok=True)
    options = f"lowerdir={base}/lower,upperdir={base}/upper,workdir={base}/work"
    try:
        sc.mount("overlay", f"{base}/merged", "overlay", 0, options)
    except OSError:
        return False
    try:
        with open(f"{base}/merged/file", "w") as file:
            file.write("written")
        return os.path.exists(f"{base}/upper/file")
    except OSError:
        return False
    finally:
        sc.unmount(f"{base}/merged", sc.MNT_DETACH)
