"""Let containerd begin with the store of an archive, in PID 1, and know what it has."""

import shutil
import subprocess
from pathlib import Path

from cluster.local import rootfs
from cluster.machine import layout
from cluster.paths import store_name
from cluster.statedir import write_private

CONTAINERD = Path("/var/lib/containerd")
#: a file that names the archive that containerd has; deleted with the data beside it
IMPORTED = CONTAINERD / "imported"
#: a directory for each layer, in a store; its files are in `fs`
_SNAPSHOTS = "io.containerd.snapshotter.v1.overlayfs/snapshots/*"


def begin_with_store(key: str) -> None:
    """Let a new containerd begin with the mounted store of the archive `key`.

    A containerd that has begun with another store keeps it, and the images that were
    added: the archive is imported there. One whose store is gone begins anew.
    """
    if IMPORTED.exists() and _is_whole(CONTAINERD):
        return
    _empty(CONTAINERD)
    store = Path(layout.IMAGES, store_name(key))
    if not (store.exists() and rootfs.can_overlay(str(CONTAINERD), str(store))):
        return
    try:
        begin(store, CONTAINERD)
    except OSError:
        # The disk is full, or the store was removed just now: the import tells why.
        _empty(CONTAINERD)
    else:
        write_private(IMPORTED, key)


def begin(store: Path, data: Path) -> None:
    """Fill containerd's empty directory `data`: links to layers, copies of the rest."""
    layers = {str(path / "fs") for path in store.glob(_SNAPSHOTS)}

    def linked(directory: str, names: list[str]) -> list[str]:
        return [name for name in names if f"{directory}/{name}" in layers]

    shutil.copytree(store, data, ignore=linked, symlinks=True, dirs_exist_ok=True)
    for layer in layers:
        (data / Path(layer).relative_to(store)).symlink_to(layer)


def _is_whole(data: Path) -> bool:
    files = [path / "fs" for path in data.glob(_SNAPSHOTS)]
    return all(path.exists() for path in files if path.is_symlink())


def _empty(directory: Path) -> None:
    # A pod may have nested directories deeper than Python's own function goes.
    if names := [str(path) for path in directory.iterdir()]:
        command = ["rm", "-rf", "--", *names]
        subprocess.run(command, check=False, env={"PATH": layout.PATH})
