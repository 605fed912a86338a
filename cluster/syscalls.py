"""Call the few Linux system calls that Python 3.11 does not offer; raise OSError."""

import ctypes
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_NOATIME = 0x400
MS_NODIRATIME = 0x800
MS_BIND = 0x1000
MS_MOVE = 0x2000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MS_RELATIME = 0x200000
MNT_DETACH = 0x2

MOUNT_ATTR_RDONLY = 0x1
MOUNT_ATTR_NOSUID = 0x2
MOUNT_ATTR_NODEV = 0x4
_MOUNT_ATTR_IDMAP = 0x100000
_OPEN_TREE_CLONE = 0x1
_MOVE_MOUNT_F_EMPTY_PATH = 0x4
_AT_FDCWD = -100
_AT_EMPTY_PATH = 0x1000
# The numbers of newer calls are the same for all machines.
_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442

# linux/capability.h, linux/prctl.h, linux/securebits.h
CAP_SYS_RAWIO = 17
_CAPABILITY_VERSION_3 = 0x20080522
_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_PR_SET_SECUREBITS = 28
_SECBIT_NO_SETUID_FIXUP = 1 << 2

_FINIT_MODULE = {"x86_64": 313, "aarch64": 273}
_RB_POWER_OFF = 0x4321FEDC
_KEYCTL = {"x86_64": 250, "aarch64": 219}
_KEYCTL_JOIN_SESSION_KEYRING = 1
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}

_libc = ctypes.CDLL(None, use_errno=True)


class StepRefused(Exception):
    """A step that the kernel refused: `step` in words, `reason` the kernel's."""

    def __init__(self, step: str, reason: str) -> None:
        self.step, self.reason = step, reason
        super().__init__(f"{step}: {reason}")


@contextmanager
def step(words: str) -> Iterator[None]:
    """Turn an OSError inside the block into StepRefused with these words."""
    try:
        yield
    except OSError as error:
        raise StepRefused(words, error.strerror or str(error)) from error


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def unshare(flags: int) -> None:
    """Leave the namespaces that `flags` (CLONE_NEW…) name for new ones."""
    _check(_libc.unshare(flags), "unshare")


def keep_capabilities() -> None:
    """Let a change of the user ids take no capabilities away from this process."""
    _prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP)


def drop_capability(number: int) -> None:
    """Drop a capability, of the first 32, from this process and its children."""
    _prctl(_PR_CAPBSET_DROP, number)
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    sets = ctypes.create_string_buffer(24)
    _check(_libc.capget(header, sets), "capget")
    # Effective, permitted, inheritable; then the same of the other half.
    first = [word & ~(1 << number) for word in struct.unpack_from("3I", sets)]
    struct.pack_into("3I", sets, 0, *first)
    _check(_libc.capset(header, sets), "capset")


def hide_process() -> None:
    """Close memory and descriptors of this process to all but the host's root."""
    _prctl(_PR_SET_DUMPABLE, 0)


def forget_keys() -> None:
    """Replace the session keyring, with the keys of a login, by an empty one."""
    number = _KEYCTL.get(os.uname().machine)
    if number is not None:
        _libc.syscall(number, _KEYCTL_JOIN_SESSION_KEYRING, None)


def _prctl(option: int, value: int) -> None:
    _check(_libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0), "prctl")


def mount(source: str, target: str, kind: str, flags: int = 0, data: str = "") -> None:
    """Mount `source` at `target`."""
    result = _libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        kind.encode() or None,
        ctypes.c_ulong(flags),
        data.encode() or None,
    )
    _check(result, target)


def copy_mount(source: str, attributes: int, namespace: int | None = None) -> int:
    """Return a private mount of the directory `source` that is not yet anywhere.

    With `namespace`, the descriptor of a user namespace, owners are shown as that maps
    them; mount_setattr(2).
    """
    flags = _OPEN_TREE_CLONE | os.O_CLOEXEC
    mount = _libc.syscall(_OPEN_TREE, _AT_FDCWD, os.fsencode(source), flags)
    _check(min(mount, 0), source)
    mapped = _MOUNT_ATTR_IDMAP if namespace is not None else 0
    # Set, cleared, propagation, user namespace.
    settings = struct.pack("4Q", attributes | mapped, 0, MS_PRIVATE, namespace or 0)
    words = (_MOUNT_SETATTR, mount, b"", _AT_EMPTY_PATH, settings, len(settings))
    try:
        _check(_libc.syscall(*words), source)
    except OSError:
        os.close(mount)
        raise
    return mount


def place_mount(mount: int, target: str) -> None:
    """Mount the result of `copy_mount` at `target`, and close it."""
    path, flags = os.fsencode(target), _MOVE_MOUNT_F_EMPTY_PATH
    try:
        _check(_libc.syscall(_MOVE_MOUNT, mount, b"", _AT_FDCWD, path, flags), target)
    finally:
        os.close(mount)


def unmount(target: str, flags: int = 0) -> None:
    """Unmount the file system at `target`."""
    _check(_libc.umount2(os.fsencode(target), flags), target)


def pivot_root(new: str, old: str) -> None:
    """Make `new` the root; the old root moves to `old`."""
    number = _PIVOT_ROOT.get(os.uname().machine)
    if number is None:
        raise OSError(38, "pivot_root: unknown machine", os.uname().machine)
    _check(_libc.syscall(number, os.fsencode(new), os.fsencode(old)), "pivot_root")


def inotify_init() -> int:
    """Return the descriptor of a new inotify instance."""
    descriptor = _libc.inotify_init1(os.O_CLOEXEC)
    _check(min(descriptor, 0), "inotify_init1")
    return descriptor


def load_module(path: str) -> None:
    """Load a module into the kernel, unless it is loaded."""
    number = _FINIT_MODULE.get(os.uname().machine)
    if number is None:
        raise OSError(38, "finit_module: unknown machine", os.uname().machine)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        _check(_libc.syscall(number, descriptor, b"", 0), path)
    except FileExistsError:
        pass
    finally:
        os.close(descriptor)


def power_off() -> None:
    """Switch the machine off, at once and without another word."""
    _check(_libc.reboot(_RB_POWER_OFF), "reboot")


def set_hostname(name: str) -> None:
    """Name the machine in this UTS namespace."""
    raw = name.encode()
    _check(_libc.sethostname(raw, len(raw)), "sethostname")
