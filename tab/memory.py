"""Limit the memory of a WebAssembly program."""

from cluster import errors

#: pages of 64 KiB that the cluster may have, and that Python may: 1.2 and 0.9 GB. Both
#: at once are what a whole page may take, 2.2.
CLUSTER, PYTHON = 19_000, 14_000
#: the number of the section for memories
_MEMORY = 5


def limit(program: bytes, pages: int) -> bytes:
    """Return a WebAssembly program whose memory grows to so many pages of 64 KiB.

    Go's linker names no maximum, Pyodide has 4 GiB, and a browser gives as much. Raise
    LabError for a program without a memory of its own.
    """
    at, magic = 8, b"\0asm"
    while program.startswith(magic) and at < len(program):
        kind, (size, begin) = program[at], _read_number(program, at + 1)
        end = begin + size
        if kind == _MEMORY:
            # One memory: whether it has a maximum, its size at the start, and that.
            minimum, _ = _read_number(program, begin + 2)
            section = b"\1\1" + _write_number(minimum) + _write_number(pages)
            head = bytes([kind]) + _write_number(len(section))
            return program[:at] + head + section + program[end:]
        at = end
    raise errors.LabError(
        "The program for the browser has no memory that could be limited.",
        "Its compiler is not the one of tab/memory.py: correct limit().",
    )


def _read_number(data: bytes, at: int) -> tuple[int, int]:
    """Return an unsigned LEB128 number, and where it ends."""
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return number, at


def _write_number(number: int) -> bytes:
    """Return a number as unsigned LEB128."""
    data = bytearray()
    while number > 127:
        data.append(number & 127 | 128)
        number >>= 7
    return bytes([*data, number])
