"""Make the store of the images: containerd's directory after the import.

A machine with only containerd makes the store once, beside the archive in the cache.
Each new cluster begins with the store, see `images.begin`.
"""

import math
import os
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from cluster import errors
from cluster.language import say
from cluster.local import images, init, namespaces, rootfs
from cluster.machine import components, layout, storage
from cluster.machine.components import Facts
from cluster.machine.logs import last_words
from cluster.progress import Progress
from cluster.statedir import entries_below
from cluster.waiting import poll

#: seconds; about two are usual
LONGEST = 120.0
#: overlayfs's work directories, mode 000
_WORK = "io.containerd.snapshotter.v1.overlayfs/snapshots/*/work/work"


def ensure(binaries: Path, archive: Path, progress: Progress) -> None:
    """Make a missing store of an archive, where this machine can make it.

    Each cluster imports the archive where the cache is another's, or has no overlays.
    """
    from cluster.image import find as image_find  # not in the node

    file = image_find.store_of(archive)
    if file.exists() or not os.access(file.parent, os.W_OK | os.X_OK):
        return

    def make(work: Path) -> Path:
        progress.update(say("importing the toolbox image, once: a few seconds"))
        return _make(binaries, archive, work)

    # The import in the cluster says what is wrong, or does without.
    with suppress(errors.LabError, OSError, subprocess.SubprocessError):
        image_find.build_once(file, make, progress)


def _make(binaries: Path, archive: Path, work: Path) -> Path:
    paths = map(str, (binaries.resolve(), archive.resolve()))
    done = storage.try_machine(
        "cluster.local.store.main", work, *paths, seconds=LONGEST
    )
    if done.returncode:
        raise errors.StartFailed(
            f"The toolbox image was not imported: {done.stderr}", ""
        )
    directory = work / "node" / "containerd"
    if os.geteuid() == 0:
        # The next machine has other ids.
        for path in (directory, *entries_below(directory)):
            os.lchown(path, 0, 0)
    return directory


def main(work: str, binaries: str, archive: str) -> int:
    """Be the child: import the archive in a machine whose state is in `work`."""
    os.umask(0o022)
    python = os.path.realpath(sys.executable)

    def pid1_main() -> int:
        rootfs.enter()
        if not rootfs.can_overlay(str(images.CONTAINERD)):
            return 1
        facts = Facts(python=python, snapshotter="overlayfs")
        return 0 if fill(facts) else 1

    sources = rootfs.Sources(work, binaries, sys.base_prefix, archive)
    child, _alive = namespaces.start(sources, pid1_main)
    _, status = os.waitpid(child, 0)
    if status:
        print(last_words(Path(work, "logs", "image-import.log")), file=sys.stderr)
    return os.waitstatus_to_exitcode(status)


def fill(facts: Facts) -> bool:
    """Import the images and end containerd; say whether all went well."""
    supervisor = init.make_supervisor(
        (
            replace(components.containerd(facts), stop_after=()),
            components.image_import(layout.ARCHIVE, facts.snapshotter),
            components.image_prune(),
        )
    )
    supervisor.start()
    threading.Thread(target=supervisor.reap, daemon=True).start()
    # The caller's parent ends a machine that takes too long.
    poll(lambda: supervisor.all_ready() or supervisor.failed, math.inf, pause=0.05)
    supervisor.stop()
    for work in images.CONTAINERD.glob(_WORK):
        work.rmdir()
    return not supervisor.failed
