"""Make the disk with the images: containerd's directory after the import.

The kernel that will use the disk makes it once, beside the archive in the cache: this
shows whether that kernel runs here.
"""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

from cluster import die_with_parent, errors
from cluster.image import find as image_find
from cluster.language import say
from cluster.machine import storage
from cluster.machine.logs import last_words
from cluster.progress import Progress
from cluster.statedir import open_private, write_private
from cluster.usermode import components, guest, launcher
from cluster.usermode.kernel import Kernel
from cluster.waiting import poll

_LOGS = ("node", "image-import", "image-prune")
#: seconds
LONGEST = 300.0


def ensure(kernel: Kernel, binaries: Path, progress: Progress) -> Path:
    """Return the disk with the images, made if it is missing; raise LabError."""
    disk = image_find.expected_archive(binaries).with_suffix(".squashfs")
    if disk.exists():
        return disk
    archive = image_find.ensure(binaries, progress)

    def make(work: Path) -> Path:
        progress.update(say("making the disk of the node, once: less than a minute"))
        return _make(kernel, binaries, archive, work)

    return image_find.build_once(archive.with_suffix(".squashfs"), make, progress)


def _make(kernel: Kernel, binaries: Path, archive: Path, work: Path) -> Path:
    state = work / "state"
    state.mkdir()
    storage.prepare(state)
    launcher.make_disk(kernel.mkfs, str(state / components.DISK))
    python = str(Path(sys.executable).resolve())
    plan = components.GuestPlan(
        str(state),
        str(binaries.resolve()),
        python,
        sys.base_prefix,
        archive=str(archive.resolve()),
        mksquashfs=kernel.mksquashfs,
    )
    write_private(state / components.PLAN, json.dumps(dataclasses.asdict(plan)))
    command = components.kernel_command(
        kernel, python, str(state / components.PLAN), components.DISK
    )
    # Without network.
    command = [word for word in command if not word.startswith(components.DEVICE)]
    _run(command, state, LONGEST)
    disk = state / "etc" / guest.MADE
    if not disk.exists():
        raise _import_error(_words(state))
    return disk


def _run(command: list[str], state: Path, seconds: float) -> None:
    log = str(state / "logs" / "node.log")
    with open(log, "ab", opener=open_private) as output:
        # With its group: programs outlive the kernel that they ran on. A notebook has
        # threads, so that no code of ours may run between fork and exec.
        child = subprocess.Popen(
            die_with_parent.command(*command, group=True),
            cwd=state,
            env={"PATH": os.defpath, "TMPDIR": "run", "HOME": "run"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        if not poll(lambda: launcher.has_ended(child), seconds, pause=0.05):
            raise _import_error(say("not done in {seconds:.0f} s", seconds=seconds))
    finally:
        launcher.end(child)
    if child.returncode:
        raise _import_error(_words(state))


def _import_error(reason: str) -> errors.LabError:
    text = say("No node in user-mode Linux: importing the images failed.")
    hint = say("LAB_NODE=none starts the control plane without a node.")
    return errors.LabError(f"{text}\n{reason}", hint)


def _words(state: Path) -> str:
    logs = [state / "logs" / f"{name}.log" for name in _LOGS]
    return "\n".join(last_words(log) for log in logs if log.exists())
