"""Give a containerd the images that another one has imported, without a copy of them.

A store is what containerd's directory holds then: its databases, small, and the files
of each layer, which are only read and so may be everybody's.
"""

import shutil
from pathlib import Path

#: directories with a layer's files, in a store
LAYERS = "io.containerd.snapshotter.v1.overlayfs/snapshots/*/fs"


def begin(store: Path, data: Path) -> None:
    """Fill containerd's empty directory `data`: links to layers, copies of the rest."""
    layers = {str(path) for path in store.glob(LAYERS)}

    def linked(directory: str, names: list[str]) -> list[str]:
        return [name for name in names if f"{directory}/{name}" in layers]

    shutil.copytree(store, data, ignore=linked, symlinks=True, dirs_exist_ok=True)
    for layer in layers:
        (data / Path(layer).relative_to(store)).symlink_to(layer)
