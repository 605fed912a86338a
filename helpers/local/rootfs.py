"""Build what the processes of the machine see as their file system and network.

Called by PID 1 in its new namespaces. Only the operating system's own directories
are shown, read-only; the learner's files are not there at all, so that no pod can
reach them, whatever it mounts: uid 0 inside is the learner's uid outside.
"""

import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from helpers.local import layout as at
from helpers.local import syscalls as sc

#: The operating system. Missing ones are left out; links stay links.
SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc", "nix")


class StepRefused(Exception):
    """A step that the kernel refused: `step` in words, `reason` the kernel's."""

    def __init__(self, step: str, reason: str) -> None:
        """Keep both for the message that a person sees."""
        self.step, self.reason = step, reason
        super().__init__(f"{step}: {reason}")


@contextmanager
def step(words: str) -> Iterator[None]:
    """Turn an OSError inside the block into StepRefused with these words."""
    try:
        yield
    except OSError as error:
        raise StepRefused(words, error.strerror or str(error)) from error


@dataclass(frozen=True)
class Sources:
    """Directories of the host that the machine needs, as absolute paths.

    `python` is the interpreter's own installation, for our two small scripts.
    """

    state: str
    binaries: str
    python: str
    images: str | None = None


def build(sources: Sources) -> None:
    """Make the new root and move into it; raise StepRefused."""
    root = os.path.join(sources.state, "run", "root")
    os.makedirs(root, mode=0o700, exist_ok=True)
    with step("making the mounts private"):
        sc.mount("none", "/", "", sc.MS_REC | sc.MS_PRIVATE)
    with step("mounting a tmpfs"):
        sc.mount("tmpfs", root, "tmpfs", sc.MS_NOSUID | sc.MS_NODEV, "mode=755")
    _system(root)
    _kernel(root)
    _own(root, sources)
    with step("entering the new root"):
        os.chdir(root)
        # Both at the same place: the old root ends up on top and is let go of.
        sc.pivot_root(".", ".")
        sc.unmount(".", sc.MNT_DETACH)
        os.chdir("/")


def _system(root: str) -> None:
    for name in SYSTEM:
        host, inside = f"/{name}", f"{root}/{name}"
        if os.path.islink(host):
            os.symlink(os.readlink(host), inside)
        elif os.path.isdir(host):
            os.mkdir(inside)
            bind(host, inside, read_only=True)


def _kernel(root: str) -> None:
    for name in ("dev", "sys"):
        os.mkdir(f"{root}/{name}")
        bind(f"/{name}", f"{root}/{name}")
    os.mkdir(f"{root}/proc")
    with step("mounting /proc"):
        flags = sc.MS_NOSUID | sc.MS_NODEV | sc.MS_NOEXEC
        sc.mount("proc", f"{root}/proc", "proc", flags)


def _own(root: str, sources: Sources) -> None:
    for name in ("tmp", "var/tmp", "var/lib/cni", "var/log", "run", "root"):
        os.makedirs(f"{root}/{name}")
    for name in ("tmp", "var/tmp"):
        os.chmod(f"{root}/{name}", 0o1777)
    os.symlink("/run", f"{root}/var/run")
    binds = {
        at.STATE: (sources.state, False),
        at.BIN: (sources.binaries, True),
        "/var/lib/containerd": (f"{sources.state}/node/containerd", False),
        "/var/lib/kubelet": (f"{sources.state}/node/kubelet", False),
        "/var/log/pods": (f"{sources.state}/logs/pods", False),
    }
    if sources.images:
        binds[at.IMAGES] = (sources.images, True)
    if not sources.python.startswith("/usr"):
        binds[sources.python] = (sources.python, True)
    os.makedirs(f"{root}{at.ROOT}/home")
    for inside, (host, read_only) in binds.items():
        os.makedirs(f"{root}{inside}", exist_ok=True)
        # Not recursive: the state directory holds the very root that is being built.
        bind(host, f"{root}{inside}", read_only=read_only, recursive=False)


def bind(
    host: str, inside: str, *, read_only: bool = False, recursive: bool = True
) -> None:
    """Show the directory `host` at `inside`."""
    with step(f"showing {host} inside"):
        sc.mount(host, inside, "", sc.MS_BIND | (sc.MS_REC if recursive else 0))
    if read_only:
        with step(f"making {host} read-only inside"):
            flags = sc.MS_REMOUNT | sc.MS_BIND | sc.MS_RDONLY | _locked_flags(inside)
            sc.mount("none", inside, "", flags)


def _locked_flags(path: str) -> int:
    # In a user namespace a remount may not drop the flags that the mount has.
    have = os.statvfs(path).f_flag
    pairs = (
        (os.ST_NOSUID, sc.MS_NOSUID),
        (os.ST_NODEV, sc.MS_NODEV),
        (os.ST_NOEXEC, sc.MS_NOEXEC),
        (os.ST_NOATIME, sc.MS_NOATIME),
        (os.ST_NODIRATIME, sc.MS_NODIRATIME),
        (os.ST_RELATIME, sc.MS_RELATIME),
    )
    return sum(flag for bit, flag in pairs if have & bit)


def can_overlay(directory: str) -> bool:
    """Say whether an overlay with its upper directory in `directory` works here."""
    base = os.path.join(directory, "overlay-probe")
    for name in ("lower", "upper", "work", "merged"):
        os.makedirs(f"{base}/{name}", exist_ok=True)
    options = f"lowerdir={base}/lower,upperdir={base}/upper,workdir={base}/work"
    try:
        sc.mount("overlay", f"{base}/merged", "overlay", 0, options)
    except OSError:
        return False
    try:
        with open(f"{base}/merged/file", "w") as file:
            file.write("written")
        return os.path.exists(f"{base}/upper/file")
    except OSError:
        return False
    finally:
        sc.unmount(f"{base}/merged", sc.MNT_DETACH)


def configure_network() -> None:
    """Bring `lo` up with the cluster's fixed addresses; raise StepRefused."""
    with step("configuring the loopback device"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            _up(control, "lo")
            addresses = (at.NODE_IP, at.API_SERVICE_IP, at.DNS_SERVICE_IP)
            for index, address in enumerate(addresses, start=1):
                _add_address(control, f"lo:{index}", address)
    with step("switching on IP forwarding"), open(
        "/proc/sys/net/ipv4/ip_forward", "w"
    ) as file:
        file.write("1")


def _up(control: socket.socket, device: str) -> None:
    request = struct.pack("16sh14x", device.encode(), 0)
    flags = struct.unpack("16sh14x", fcntl.ioctl(control, 0x8913, request))[1]
    fcntl.ioctl(control, 0x8914, struct.pack("16sh14x", device.encode(), flags | 1))


def _add_address(control: socket.socket, alias: str, address: str) -> None:
    for number, value in ((0x8916, address), (0x891C, "255.255.255.255")):
        packed = struct.pack(
            "16sH2x4s8x", alias.encode(), socket.AF_INET, socket.inet_aton(value)
        )
        fcntl.ioctl(control, number, packed)
