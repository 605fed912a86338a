"""Find out, inside the machine, what the components depend on.

Nothing is decided here: `components` describes by these facts what runs.
"""

import shutil
from pathlib import Path

from helpers.local import layout, rootfs
from helpers.local.components import Facts

#: where the distribution keeps what we need, whatever PATH the learner has
PATH = f"{layout.BIN}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: says which archive containerd has; beside its data, so that it goes with them
IMPORTED = Path("/var/lib/containerd/imported")


def find(python: str, archive: str | None, archive_key: str | None) -> Facts:
    """Return the facts. `archive` is the name of a file in `layout.IMAGES`.

    `archive_key` is what identifies it: what was imported before is not again.
    """
    # Debian's runc has seccomp; ours is the answer where there is none.
    system = shutil.which("runc", path=PATH.removeprefix(f"{layout.BIN}:"))
    built = Path(layout.BIN, "runc")
    imported = IMPORTED.exists() and IMPORTED.read_text() == archive_key
    return Facts(
        python=python,
        runc=system or str(built),
        seccomp=bool(system) or _has_seccomp(built),
        snapshotter="overlayfs"
        if rootfs.can_overlay("/var/lib/containerd")
        else "native",
        service_proxy=bool(shutil.which("nft", path=PATH)),
        import_archive=f"{layout.IMAGES}/{archive}"
        if archive and not imported
        else None,
    )


def _has_seccomp(runc: Path) -> bool:
    """Say whether this runc was built with libseccomp: it links the library."""
    try:
        return b"libseccomp.so" in runc.read_bytes()
    except OSError:
        return False
