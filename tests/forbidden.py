"""Run a command that may make no namespaces: `python tests/forbidden.py COMMAND...`.

A seccomp filter stands in for the host that forbids them, in this process and in all
that it starts. Needs `no_new_privs` or root. As in the filters of container engines:

=======  ==================================  ===============================
call     what is refused                     answer
=======  ==================================  ===============================
unshare  all of it                           EPERM
setns    all of it                           EPERM
clone    a flag that makes a namespace       EPERM
clone3   all of it: a filter cannot read the ENOSYS, and the C library falls
         flags, which are in memory          back to clone
=======  ==================================  ===============================

`powerless` is another filter, and stands in for AppArmor on Ubuntu: a user namespace
can be made, and its root has no capabilities.

=========  =========================  ======
call       what is refused            answer
=========  =========================  ======
setgroups  all of it                  EPERM
mount      all of it                  EPERM
unshare    without a user namespace   EPERM
=========  =========================  ======
"""

import ctypes
import errno
import os
import platform
import struct
import sys

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
#: numbers of unshare, setns, clone; clone3 has one for all machines
_CALLS = {"x86_64": (272, 308, 56), "aarch64": (97, 268, 220)}
#: of setgroups and mount
_ROOTS_CALLS = {"x86_64": (116, 165), "aarch64": (159, 40)}
_CLONE3 = 435
#: of time, mount, cgroup, uts, ipc, user, pid and net; the first clone alone has not
_NEWUSER = 0x10000000
_NAMESPACES = 0x80 | 0x20000 | 0x2000000 | 0x4000000 | 0x8000000 | 0x70000000
_LOAD, _JUMP_IF_EQUAL, _JUMP_IF_ANY, _RETURN = 0x20, 0x15, 0x45, 0x06
#: offsets in what a filter sees: the call's number, the low half of its first argument
_NUMBER, _FIRST = 0, 16
_ERRNO, _ALLOW = 0x00050000, 0x7FFF0000


def forbid() -> None:
    """Refuse namespaces to this process from now on; raise OSError."""
    unshare, setns, clone = _CALLS[platform.machine()]
    _install(
        (_LOAD, 0, 0, _NUMBER),
        (_JUMP_IF_EQUAL, 5, 0, unshare),
        (_JUMP_IF_EQUAL, 4, 0, setns),
        (_JUMP_IF_EQUAL, 5, 0, _CLONE3),
        (_JUMP_IF_EQUAL, 0, 3, clone),
        (_LOAD, 0, 0, _FIRST),
        (_JUMP_IF_ANY, 0, 1, _NAMESPACES),
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ERRNO | errno.ENOSYS),
    )


def powerless() -> None:
    """Refuse what takes a capability in a user namespace; raise OSError."""
    setgroups, mount = _ROOTS_CALLS[platform.machine()]
    _install(
        (_LOAD, 0, 0, _NUMBER),
        (_JUMP_IF_EQUAL, 4, 0, setgroups),
        (_JUMP_IF_EQUAL, 3, 0, mount),
        (_JUMP_IF_EQUAL, 0, 3, _CALLS[platform.machine()][0]),
        (_LOAD, 0, 0, _FIRST),
        (_JUMP_IF_ANY, 1, 0, _NEWUSER),
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    )


def _install(*rules: tuple[int, int, int, int]) -> None:
    code = ctypes.create_string_buffer(
        b"".join(struct.pack("HBBI", *rule) for rule in rules)
    )
    program = struct.pack("HxxxxxxP", len(rules), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, program, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    forbid()
    os.execvp(sys.argv[1], sys.argv[1:])
