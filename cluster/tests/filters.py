"""Judge a filter of system calls without a kernel: the names of calls, its answers.

The names are libseccomp's, which knows the tables of all architectures.
"""

import ctypes
import struct

X86_64, I386, AARCH64 = 0xC000003E, 0x40000003, 0xC00000B7
ALLOW, REFUSE, PRETEND = 0x7FFF0000, 0x00050001, 0x00050000


def names(arch: int) -> dict[int, str]:
    """Return the system calls of an architecture, of AUDIT_ARCH, by their numbers."""
    resolve = ctypes.CDLL("libseccomp.so.2").seccomp_syscall_resolve_num_arch
    resolve.restype = ctypes.c_char_p
    found = ((number, resolve(arch, number)) for number in range(600))
    return {number: name.decode() for number, name in found if name}


def answer(
    program: bytes, arch: int, number: int, *, family: int = 0, kind: int = 0
) -> int:
    """Return what the filter answers a call; `family` and `kind` are of a socket."""
    lines = [*struct.iter_unpack("HBBI", program)]
    fields = {0: number, 4: arch, 16: family, 24: kind}
    at = value = 0
    while True:
        word, yes, no, operand = lines[at]
        at += 1
        match word:
            case 0x20:
                value = fields[operand]
            case 0x54:
                value &= operand
            case 0x15:
                at += yes if value == operand else no
            case 0x35:
                at += yes if value >= operand else no
            case 0x06:
                return operand
            case _:
                raise ValueError(f"no operation {word:#x}")
