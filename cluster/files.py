"""Write files that only their owner can read, whole or not at all."""

import os
from pathlib import Path


def open_private(path: str, flags: int) -> int:
    """Open a file that only its owner can read if it is made now: an `opener`."""
    return os.open(path, flags, 0o600)


def write_private(path: Path, data: bytes | str, *, mode: int = 0o600) -> None:
    """Put `data` into a file that only its owner can read.

    A reader, and a start after a crash, finds the old content or the new one. Raise
    OSError.
    """
    if isinstance(data, str):
        data = data.encode()
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    # Private from the first byte: a chmod afterwards leaves a moment for others.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
