"""Read large files as bytes without taking them into memory."""

import mmap
from pathlib import Path


def mapped(path: Path) -> mmap.mmap:
    """Return the bytes of a file, which are not all read into memory for that."""
    with open(path, "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
