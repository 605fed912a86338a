"""Make the store of the images: containerd's directory after the import.

It is made once, by a machine as a cluster's with containerd alone in it, and kept in
the cache beside the archive. Each new cluster begins with it, see `image.store`.
"""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from cluster import errors
from cluster.image import find as image_find
from cluster.local import images, namespaces, rootfs
from cluster.machine import storage
from cluster.machine.components import Facts
from cluster.machine.logs import last_words
from cluster.progress import Progress
from cluster.statedir import below

#: seconds; it takes about two
LONGEST = 120.0


def ensure(binaries: Path, archive: Path, progress: Progress) -> None:
    """Make a missing store of an archive, where this machine can make it.

    It cannot in a cache that is another's, or on a file system that has no overlays;
    then each cluster imports the archive.
    """
    file = image_find.store(archive)
    if file.exists() or not os.access(file.parent, os.W_OK | os.X_OK):
        return

    def make(work: Path) -> Path:
        progress.update("importing the image, once: a few seconds")
        return _make(binaries, archive, work)

    # Whatever is wrong, the import in the cluster says it, or does without.
    with suppress(errors.LabError, OSError, subprocess.SubprocessError):
        image_find.keep(file, make, progress)


def _make(binaries: Path, archive: Path, work: Path) -> Path:
    paths = map(str, (binaries.resolve(), archive.resolve()))
    done = storage.try_machine(
        "cluster.local.store.main", work, *paths, seconds=LONGEST
    )
    if done.returncode:
        raise errors.StartFailed(f"The image was not imported: {done.stderr}", "")
    made = work / "node" / "containerd"
    if os.geteuid() == 0:
        # Not the ids of this one machine: a next one has others.
        for path in (made, *below(made)):
            os.lchown(path, 0, 0)
    return made


def main(work: str, binaries: str, archive: str) -> int:
    """Be the child: import the archive in a machine whose state is in `work`."""
    os.umask(0o022)
    python = os.path.realpath(sys.executable)

    def live() -> int:
        rootfs.enter()
        if not rootfs.can_overlay(str(images.CONTAINERD)):
            return 1
        found = Facts(python, "", False, "overlayfs", False)
        return 0 if images.fill(found) else 1

    sources = rootfs.Sources(work, binaries, sys.base_prefix, archive)
    child, _life = namespaces.start(sources, live)
    _, status = os.waitpid(child, 0)
    if status:
        print(last_words(Path(work, "logs", "image-import.log")), file=sys.stderr)
    return os.waitstatus_to_exitcode(status)
