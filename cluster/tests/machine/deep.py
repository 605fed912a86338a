"""Directories that are nested as a pod can nest them."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from cluster.machine import storage


@contextlib.contextmanager
def nested(top: Path, levels: int = 1100) -> Iterator[None]:
    """Make a directory and so many below it, each in the one before; remove them."""
    top.mkdir(parents=True)
    path = os.fspath(top)
    for _ in range(levels):
        path += "/d"
        os.mkdir(path)
    try:
        yield
    finally:
        # pytest would not get to their end.
        storage.remove_tree(top)
