"""Say what is wrong with a program file, before somebody waits for it to start."""

import os
import struct
from pathlib import Path

_MAGIC = b"\x7fELF"
#: of a 64-bit file: offset of the program headers, their size and number
_HEADERS = struct.Struct("<32xQ14xHH")
#: of a program header: where in the file the segment begins, and its length there
_SEGMENT = struct.Struct("<8xQ16xQ16x")


def fault(path: Path) -> str:
    """Return why the file at `path` is no program for this machine, or ""."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
            if len(head) < 64 or not head.startswith(_MAGIC):
                return "is not a Linux program"
            if head[4:6] + head[18:20] != _ours():
                return "is for another kind of machine"
            start, size, number = _HEADERS.unpack_from(head)
            file.seek(start)
            table = file.read(size * number)
            if len(table) < max(size, _SEGMENT.size) * number:
                return "is cut short"
            ends = (
                sum(_SEGMENT.unpack_from(table, entry * size))
                for entry in range(number)
            )
            if file.seek(0, os.SEEK_END) < max(ends, default=0):
                return "is cut short"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return "" if os.access(path, os.X_OK) else "is not executable"


def _ours() -> bytes:
    """Return word size, byte order and processor of the Python that runs this."""
    with open("/proc/self/exe", "rb") as file:
        head = file.read(20)
    return head[4:6] + head[18:20]
