"""Keep the programs that serve a node from the learner's account: Landlock, seccomp.

A privileged pod can mount the host's files once more, and has slirp4netns connect
anywhere: as far as the walls of these processes let it. They need no rights, and hold
for all that a process starts. Landlock knows files, and from Linux 6.7 on ports; for
modes, times, UDP and sockets by path there is a filter of system calls.
"""

import ctypes
import errno
import os
import platform
import socket
import struct
from collections.abc import Iterable

#: the first Landlock that knows ports, too
WHOLE = 4
#: the first that confines signals, Linux 6.12
SIGNALS = 6

_libc = ctypes.CDLL(None, use_errno=True)

# linux/landlock.h. The numbers of its calls are the same on all machines.
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_VERSION = 1
_PATH, _PORT = 1, 2
_BIND, _CONNECT = 1, 2
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_MAKE_CHAR, _MAKE_BLOCK = 1 << 6, 1 << 11
_TRUNCATE, _DEVICE = 1 << 14, 1 << 15
#: how many rights to files each version knows; the last goes for all that follow
_FILES = (0, 13, 14, 15, 15, 16)
#: rights that a file has, and not only a directory
_OF_A_FILE = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _DEVICE
_READ = _EXECUTE | _READ_FILE | _READ_DIR
#: abstract sockets and signals, of processes elsewhere
_ELSEWHERE = 3

# linux/prctl.h, linux/seccomp.h, linux/filter.h, linux/audit.h
_NO_NEW_PRIVS, _SECCOMP, _FILTER = 38, 22, 2
_LOAD, _EQUAL, _AT_LEAST, _AND, _RETURN = 0x20, 0x15, 0x35, 0x54, 0x06
_ALLOW, _NOTHING, _REFUSE = 0x7FFF0000, 0x00050000, 0x00050001
_X86_64 = 0xC000003E
_X32 = 0x40000000
_SOCKET = 41
#: offsets of a call's number, machine and arguments in what a filter reads
_NUMBER, _ARCH, _FAMILY, _KIND = 0, 4, 16, 24
#: chmod, chown, times and extended attributes, of a path or an open file
_PRETENDED = (*range(90, 95), 132, *range(188, 191), *range(197, 200))
_PRETENDED += (235, 260, 261, 268, 280, 452, 463, 466)
#: truncate, which Landlock knows from Linux 6.2 on, and io_uring
_REFUSED = (76, 425)


def version() -> int:
    """Return which Landlock this kernel has, 0 for none."""
    return max(0, _libc.syscall(_CREATE, None, 0, _VERSION))


def is_switched_off() -> bool:
    """Return whether this kernel has Landlock and was started without it."""
    answer = _libc.syscall(_CREATE, None, 0, _VERSION)
    return answer < 0 and ctypes.get_errno() == errno.EOPNOTSUPP


def confine(
    read: Iterable[str],
    write: Iterable[str],
    *,
    listen: Iterable[int] = (),
    connect: Iterable[int] = (),
) -> None:
    """Confine this process to the named files and ports; raise OSError.

    `read` may be started, too; missing files are left out. Without a port the process
    can make no stream sockets, to which container engines listen by path. A kernel
    without Landlock filters only system calls. OSError also where the numbers of
    system calls are not known here: user-mode Linux is for x86-64.
    """
    if platform.machine() != "x86_64":
        message = f"no filter of system calls for {platform.machine()}"
        raise OSError(errno.ENOSYS, message)
    ports = {_BIND: [*listen], _CONNECT: [*connect]}
    _check(_libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    landlock = version()
    if landlock:
        _landlock(landlock, read, write, ports)
    _filter_calls(streams=any(ports.values()))


def _landlock(
    landlock: int,
    read: Iterable[str],
    write: Iterable[str],
    ports: dict[int, list[int]],
) -> None:
    files = (1 << _FILES[min(landlock, len(_FILES) - 1)]) - 1
    net = _BIND | _CONNECT if landlock >= WHOLE else 0
    rules = struct.pack("QQQ", files, net, _ELSEWHERE if landlock >= 6 else 0)
    walls = _check(_libc.syscall(_CREATE, rules, len(rules), 0), "landlock")
    changed = files & ~(_EXECUTE | _MAKE_CHAR | _MAKE_BLOCK)
    for paths, rights in ((read, files & _READ), (write, changed)):
        for path in paths:
            _open(walls, path, rights)
    for right, numbers in ports.items():
        for number in numbers if net else ():
            rule = struct.pack("QQ", right, number)
            _check(_libc.syscall(_ADD, walls, _PORT, rule, 0), f"port {number}")
    _check(_libc.syscall(_RESTRICT, walls, 0), "landlock")
    os.close(walls)


def _open(walls: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    if not os.path.isdir(path):
        rights &= _OF_A_FILE
    rule = struct.pack("=Qi", rights, place)
    _check(_libc.syscall(_ADD, walls, _PATH, rule, 0), path)
    os.close(place)


def program(*, streams: bool) -> bytes:
    """Return the filter, as Linux takes it.

    It refuses UDP and raw sockets, `streams` if False, and sets no modes and times.
    """
    allow, nothing, refuse = (
        (_RETURN, 0, 0, answer) for answer in (_ALLOW, _NOTHING, _REFUSE)
    )
    # Each line: what to do, how many lines to skip if so and if not, with which number.
    lines = [(_LOAD, 0, 0, _ARCH), (_EQUAL, 1, 0, _X86_64), refuse]
    lines += [(_LOAD, 0, 0, _NUMBER), (_AT_LEAST, 0, 1, _X32), refuse]
    for numbers, answer in ((_PRETENDED, nothing), (_REFUSED, refuse)):
        for number in numbers:
            lines += [(_EQUAL, 0, 1, number), answer]
    lines += [
        (_EQUAL, 0, 8, _SOCKET),
        (_LOAD, 0, 0, _KIND),
        (_AND, 0, 0, 15),
        (_EQUAL, 0, 1, socket.SOCK_STREAM),
        allow if streams else refuse,
        (_LOAD, 0, 0, _FAMILY),
        (_EQUAL, 1, 0, socket.AF_INET),
        (_EQUAL, 0, 1, socket.AF_INET6),
        refuse,
        allow,
    ]
    return b"".join(struct.pack("HBBI", *line) for line in lines)


def _filter_calls(*, streams: bool) -> None:
    code = program(streams=streams)
    kept = ctypes.create_string_buffer(code)
    # The fields of a struct of C, with its padding.
    filled = struct.pack("HP", len(code) // 8, ctypes.addressof(kept))
    _check(_libc.prctl(_SECCOMP, _FILTER, filled, 0, 0), "seccomp")


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
    return result
