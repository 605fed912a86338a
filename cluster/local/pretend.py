"""Pretend to give files and processes to other ids, then become another program.

A script: `python -ISE pretend.py PROGRAM ARGUMENT...`. On a machine with a single id
the kernel refuses such calls. With this filter of system calls they do nothing and
succeed, for all that the program starts: containerd unpacks files of any owner, and
programs in pods go on as root. A pod's own filter, added later, can still refuse them.
"""

import ctypes
import os
import struct
import sys

# linux/prctl.h, linux/seccomp.h, linux/filter.h, linux/audit.h
_SECCOMP, _FILTER = 22, 2
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _NOTHING = 0x7FFF0000, 0x00050000
#: offsets of a call's number and machine in what a filter reads
_NUMBER, _ARCH = 0, 4
# fmt: off
_I386 = (
    16, 23, 46, 70, 71, 81, 95, 164, 170, 182, 198,
    203, 204, 206, 207, 208, 210, 212, 213, 214, 298,
)
# fmt: on
#: chown, setuid and their like, and setgroups, of each machine; the second has the
#: 32-bit programs of the first
CALLS = {
    0xC000003E: (92, 93, 94, 105, 106, 113, 114, 116, 117, 119, 260),  # x86-64
    0x40000003: _I386,
    0xC00000B7: (54, 55, 143, 144, 145, 146, 147, 149, 159),  # aarch64
}


def program() -> bytes:
    """Return the filter, as Linux takes it."""
    # Each line: what to do, how many lines to skip if so and if not, with which number.
    lines = [(_LOAD, 0, 0, _ARCH)]
    for arch, numbers in CALLS.items():
        last = len(numbers)
        lines += [(_EQUAL, 0, last + 3, arch), (_LOAD, 0, 0, _NUMBER)]
        lines += [(_EQUAL, last - i, 0, number) for i, number in enumerate(numbers)]
        lines += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _NOTHING)]
    lines.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("HBBI", *line) for line in lines)


def pretend() -> None:
    """Install the filter; say so where the kernel takes none."""
    code = program()
    kept = ctypes.create_string_buffer(code)
    filled = struct.pack("HP", len(code) // 8, ctypes.addressof(kept))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SECCOMP, _FILTER, filled, 0, 0):
        reason = os.strerror(ctypes.get_errno())
        print(f"chown and setuid cannot be pretended: {reason}", file=sys.stderr)


if __name__ == "__main__":
    pretend()
    os.execv(sys.argv[1], sys.argv[1:])
