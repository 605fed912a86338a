"""Share the imported images of one containerd with another: links to their layers."""

import shutil
from pathlib import Path

from cluster import versions

#: a directory for each layer, in a store; its files are in `fs`
_SNAPSHOTS = "io.containerd.snapshotter.v1.overlayfs/snapshots/*"


def name(key: str) -> str:
    """Return the name of the store of the archive `key`, for this containerd."""
    return f"{key}.{versions.CONTAINERD}.store"


def begin(store: Path, data: Path) -> None:
    """Fill containerd's empty directory `data`: links to layers, copies of the rest."""
    layers = {str(path / "fs") for path in store.glob(_SNAPSHOTS)}

    def linked(directory: str, names: list[str]) -> list[str]:
        return [name for name in names if f"{directory}/{name}" in layers]

    shutil.copytree(store, data, ignore=linked, symlinks=True, dirs_exist_ok=True)
    for layer in layers:
        (data / Path(layer).relative_to(store)).symlink_to(layer)


def is_whole(data: Path) -> bool:
    """Say whether all that `begin` has linked to is there."""
    files = [path / "fs" for path in data.glob(_SNAPSHOTS)]
    return all(path.exists() for path in files if path.is_symlink())
