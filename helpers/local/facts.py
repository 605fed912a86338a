"""Find out, inside the machine, what the components depend on.

Nothing is decided here: `components` describes by these facts what runs.
"""

import shutil
from pathlib import Path

from helpers.local import layout, rootfs
from helpers.local.components import Facts
from helpers.local.runtime import SYSTEM_PATH, find_runc

#: where the distribution keeps what we need, whatever PATH the learner has
PATH = f"{layout.BIN}:{SYSTEM_PATH}"
#: says which archive containerd has; beside its data, so that it goes with them
IMPORTED = Path("/var/lib/containerd/imported")


def find(python: str, archive: str | None, archive_key: str | None) -> Facts:
    """Return the facts. `archive` is the name of a file in `layout.IMAGES`.

    `archive_key` is what identifies it: what was imported before is not again.
    """
    # The start has made sure that there is one.
    runc = find_runc(Path(layout.BIN))
    imported = IMPORTED.exists() and IMPORTED.read_text() == archive_key
    return Facts(
        python=python,
        runc=runc.path,
        seccomp=runc.seccomp,
        snapshotter="overlayfs"
        if rootfs.can_overlay("/var/lib/containerd")
        else "native",
        service_proxy=bool(shutil.which("nft", path=PATH)),
        import_archive=f"{layout.IMAGES}/{archive}"
        if archive and not imported
        else None,
    )
