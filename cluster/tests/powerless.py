"""A seccomp filter that stands in for AppArmor on Ubuntu.

A user namespace can be made, and its root has no capabilities:

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

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
#: numbers of setgroups, mount, unshare
_CALLS = {"x86_64": (116, 165, 272), "aarch64": (159, 40, 97)}
_NEWUSER = 0x10000000
_LOAD, _JUMP_IF_EQUAL, _JUMP_IF_ANY, _RETURN = 0x20, 0x15, 0x45, 0x06
#: offsets in what a filter sees: the call's number, the low half of its first argument
_NUMBER, _FIRST = 0, 16
_ERRNO, _ALLOW = 0x00050000, 0x7FFF0000


def refuse_capabilities() -> None:
    """Refuse what takes a capability in a user namespace; raise OSError.

    In this process and in all that it starts. Needs `no_new_privs` or root.
    """
    setgroups, mount, unshare = _CALLS[platform.machine()]
    rules = (
        (_LOAD, 0, 0, _NUMBER),
        (_JUMP_IF_EQUAL, 4, 0, setgroups),
        (_JUMP_IF_EQUAL, 3, 0, mount),
        (_JUMP_IF_EQUAL, 0, 3, unshare),
        (_LOAD, 0, 0, _FIRST),
        (_JUMP_IF_ANY, 1, 0, _NEWUSER),
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    )
    code = ctypes.create_string_buffer(
        b"".join(struct.pack("HBBI", *rule) for rule in rules)
    )
    program = struct.pack("HxxxxxxP", len(rules), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, program, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
