"""Make the disk that nodes begin with: containerd's directory, the images imported.

It is made once, by the very kernel that will use it, and kept in the cache beside the
archive that it holds. A machine on which that kernel does not run finds it out here.
"""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from cluster import errors
from cluster.image import cache as image_cache
from cluster.local import storage
from cluster.logs import last_words
from cluster.progress import Progress
from cluster.statedir import open_private, write_private
from cluster.usermode import components, guest, launcher, layout
from cluster.usermode.kernel import Kernel
from cluster.waiting import until

#: bytes; holes take no room
SIZE = 4 << 30
#: seconds
LONGEST = 300.0


def ensure(kernel: Kernel, binaries: Path, archive: Path, progress: Progress) -> Path:
    """Return the disk with the images of an archive; make it if it is missing.

    Raise NodeFailed, NotEnough.
    """

    def make(work: Path) -> Path:
        progress.update("making the disk of the node, once: about half a minute")
        return _make(kernel, binaries, archive, work)

    return image_cache.keep(archive.with_suffix(".ext4"), make, progress)


def _make(kernel: Kernel, binaries: Path, archive: Path, work: Path) -> Path:
    state = work / "state"
    state.mkdir()
    storage.prepare(state)
    disk = state / layout.DISK
    with open(disk, "xb") as file:
        file.truncate(SIZE)
    _run(
        [kernel.mkfs, "-q", "-O", "^has_journal", "-m", "0", str(disk)],
        state,
        "making a file system",
        60,
    )
    python = str(Path(sys.executable).resolve())
    plan = components.Plan(
        str(state),
        str(binaries.resolve()),
        python,
        sys.base_prefix,
        archive=str(archive.resolve()),
    )
    write_private(state / layout.PLAN, json.dumps(dataclasses.asdict(plan)))
    command = components.kernel_command(
        kernel, python, str(state / layout.PLAN), layout.DISK
    )
    # It needs no network.
    command = [word for word in command if not word.startswith(layout.DEVICE)]
    _run(command, state, "importing the images", LONGEST)
    if not (state / "etc" / guest.DONE).exists():
        raise errors.NodeFailed("importing the images", _words(state))
    return disk


def _run(command: list[str], state: Path, what: str, seconds: float) -> None:
    log = str(state / "logs" / "node.log")
    with open(log, "ab", opener=open_private) as output:
        # By SIGTERM: what runs on a kernel that is killed outlives it.
        child = launcher.start(
            command,
            signal.SIGTERM,
            close_fds=True,
            cwd=state,
            env={"PATH": os.defpath, "TMPDIR": "run", "HOME": "run"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        if not until(lambda: launcher.ended(child), seconds, pause=0.05):
            raise errors.NodeFailed(what, f"not done in {seconds:.0f} s")
    finally:
        launcher.end(child)
    if child.returncode:
        raise errors.NodeFailed(what, _words(state))


def _words(state: Path) -> str:
    logs = [state / "logs" / f"{name}.log" for name in ("node", "image-import")]
    return "\n".join(last_words(log) for log in logs if log.exists())
