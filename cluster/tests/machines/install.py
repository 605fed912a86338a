"""Install a system into a directory, by mmdebstrap; only root can.

PYTEST_DONT_REWRITE: tests read the messages of its assertions as they stand.
"""

import os
import shutil
import subprocess
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

from cluster import paths
from cluster.tests.machines.systems import DEBIAN, KEYRING, System
from cluster.tests.slowness import scaled

#: Runs in namespaces of its own; the mounts end with them.
APART = ("unshare", "--mount", "--pid", "--fork", "--kill-child")
#: seconds of one program, also on a busy machine, and of a mirror's answer
PROGRAM, ANSWER = 3600.0, 20.0


def machines() -> Path:
    """Return the directory of all that is kept."""
    return paths.cache_dir() / "machines"


def install(system: System, tree: Path, *options: str) -> None:
    """Install a system in `tree`; raise AssertionError with the reason."""
    trust = () if system.mirrors == DEBIAN.mirrors else (f"--keyring={_keyring()}",)
    command = (*APART, "mmdebstrap", "--quiet", "--mode=root", *trust, *options)
    where = ("--dpkgopt=force-unsafe-io", system.suite, str(tree), *system.mirrors)
    try:
        run(*command, *where)
    except AssertionError as error:
        mirror = next(word for word in system.mirrors[0].split() if "://" in word)
        reason = _silent(f"{mirror}/dists/{system.suite}/InRelease") or error
        raise AssertionError(f"{system} cannot be installed: {reason}") from None


def _silent(url: str) -> str:
    """Return why a mirror does not answer, or ""."""
    try:
        urllib.request.urlopen(url, timeout=ANSWER).close()
    except OSError as error:
        return f"{url}: {getattr(error, 'reason', error)}"
    return ""


def _keyring() -> Path:
    """Return Ubuntu's keys, out of Debian's package of them.

    So they are trusted as Debian's archive is, on any system that can make Debian's.
    """
    kept = machines() / Path(KEYRING).name
    if not kept.exists():
        with tempfile.TemporaryDirectory(dir=machines()) as work:
            tree = Path(work, "debian")
            install(DEBIAN, tree, "--variant=extract", "--include=ubuntu-keyring")
            os.replace(f"{tree}{KEYRING}", kept)
    return kept


def require_room(needed: float, what: str) -> None:
    """Raise AssertionError where the disk has less room than is needed."""
    free = shutil.disk_usage(machines()).free
    assert free >= needed, (
        f"{what} needs {needed / 1e9:.0f} GB of disk below {machines()}, and "
        f"{free / 1e9:.1f} GB are free"
    )


def run(*command: str, **options: Any) -> str:
    """Run a program and return what it wrote; raise AssertionError if it fails.

    `options` are more of those of `subprocess.run`.
    """
    name = next(word for word in command if word not in APART)
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=scaled(PROGRAM),
            **options,
        )
    except subprocess.TimeoutExpired as error:
        late = f"{name} was not done after {error.timeout:.0f} s"
        raise AssertionError(late) from None
    assert done.returncode == 0, f"{name}: {done.stdout[-4000:]}"
    return done.stdout
