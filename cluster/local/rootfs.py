"""Build the file system that the processes of the machine see.

The learner's files are not there at all, so that no pod can reach them, whatever it
mounts. A pod with a hostPath of `/` does see the cluster's keys in /run/lab/state/pki,
as it would see /etc/kubernetes/pki on a kubeadm node.

`build` is called in one user namespace, `enter` by PID 1 in another. So the mounts are
locked: not even a privileged pod can take one away or make a read-only one writable,
mount_namespaces(7). /sys stays whole and writable, and PID 1 mounts /proc, because the
kernel lets nobody mount one that shows more than there is.
"""

import os
import re
import secrets
import shutil
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from cluster import syscalls as sc
from cluster.language import mark
from cluster.machine import cgroups, layout as at
from cluster.syscalls import StepRefused, step

#: The operating system's programs. Missing ones are left out; links stay links.
SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "nix")
#: The files of /etc that programs need. Not the rest: root could read /etc/shadow.
ETC = (
    "alternatives",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "nsswitch.conf",
    "protocols",
    "services",
)
#: The devices that every container gets. Not the host's disks, which root could read.
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_NO_DEVICES = sc.MS_NOSUID | sc.MS_NODEV
_NO_PROGRAMS = _NO_DEVICES | sc.MS_NOEXEC


@dataclass(frozen=True)
class Sources:
    """Absolute paths of what the machine needs of the host.

    `python` is the interpreter's installation, which may be a learner's ~/.local: only
    the program and its standard library are shown. `stores` are directories with the
    images of `archive` and of earlier ones, all of one owner.
    """

    state: str
    binaries: str
    python: str
    archive: str | None = None
    stores: Sequence[str] = ()


def build(sources: Sources, owner_namespace: int | None = None) -> None:
    """Make the new root and go there, so far only by `chdir`; raise StepRefused.

    `owner_namespace` is a user namespace that gives the owner of the stores our ids,
    or None.
    """
    root = os.path.join(sources.state, "root")
    os.makedirs(root, mode=0o700, exist_ok=True)
    with step(mark("making the mounts private")):
        sc.mount("none", "/", "", sc.MS_REC | sc.MS_PRIVATE)
    with step(mark("mounting a tmpfs")):
        sc.mount("tmpfs", root, "tmpfs", _NO_DEVICES, "mode=755")
    _show_system(root)
    _make_dev(f"{root}/dev")
    _make_etc(f"{root}/etc")
    _make_sys(f"{root}/sys")
    _add_sources(root, sources)
    for store in sources.stores:
        _mount_store(store, f"{root}{at.IMAGES}", owner_namespace)
    os.chdir(root)


def enter(cgroup: int | None = None) -> None:
    """Make the tree of `build` the root, with a /proc; raise StepRefused.

    The `cgroup` of `cgroups.make` is shown instead of the host's.
    """
    with step(mark("entering the new root")):
        # A mount that is locked cannot become the root; this copy is not.
        sc.mount(".", "mnt", "", sc.MS_BIND | sc.MS_REC)
        os.chdir("mnt")
    with step(mark("mounting /proc")):
        # Before the host's is out of sight: the kernel asks for one to compare with.
        sc.mount("proc", "proc", "proc", _NO_PROGRAMS)
    if cgroup is not None:
        cgroups.enter(cgroup)
    with step(mark("entering the new root")):
        # pivot_root(".", ".") stacks the old root on the new one; unmounting
        # removes it, pivot_root(2).
        sc.pivot_root(".", ".")
        sc.unmount(".", sc.MNT_DETACH)
        os.chdir("/")


def _show_system(root: str) -> None:
    for name in SYSTEM:
        _show(f"/{name}", f"{root}/{name}")


def _show(host: str, inside: str) -> None:
    if os.path.islink(host):
        os.symlink(os.readlink(host), inside)
    elif os.path.isdir(host):
        bind(host, inside, read_only=True)


def _make_dev(dev: str) -> None:
    os.mkdir(dev)
    with step(mark("mounting /dev")):
        sc.mount("tmpfs", dev, "tmpfs", sc.MS_NOSUID | sc.MS_NOEXEC, "mode=755")
        for name in ("pts", "shm"):
            os.mkdir(f"{dev}/{name}")
        options = "newinstance,ptmxmode=0666,mode=620"
        sc.mount("devpts", f"{dev}/pts", "devpts", sc.MS_NOEXEC, options)
        sc.mount("tmpfs", f"{dev}/shm", "tmpfs", _NO_PROGRAMS, "mode=1777")
    for name in DEVICES:
        bind(f"/dev/{name}", f"{dev}/{name}")
    links = {"ptmx": "pts/ptmx", "fd": "/proc/self/fd"}
    links |= {n: f"/proc/self/fd/{i}" for i, n in enumerate(("stdin", "stdout"))}
    for name, target in (links | {"stderr": "/proc/self/fd/2"}).items():
        os.symlink(target, f"{dev}/{name}")


def _make_etc(etc: str) -> None:
    os.mkdir(etc)
    for name in ETC:
        host, inside = f"/etc/{name}", f"{etc}/{name}"
        _show(host, inside)
        if os.path.isfile(host) and not os.path.islink(host):
            # Copied: a container's own /etc may be a mount for each file.
            with suppress(PermissionError):
                shutil.copyfile(host, inside)
    files = {
        "passwd": "root:x:0:0:root:/root:/bin/sh\n"
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
        "group": "root:x:0:\nnogroup:x:65534:\n",
        "hosts": f"127.0.0.1 localhost\n{at.NODE_IP} {at.NODE_NAME}\n",
        "hostname": f"{at.NODE_NAME}\n",
        # The machine has no way out.
        "resolv.conf": "",
        # Not the host's: the Node object shows it.
        "machine-id": f"{secrets.token_hex(16)}\n",
    }
    for name, content in files.items():
        with open(f"{etc}/{name}", "w") as file:
            file.write(content)


def _make_sys(inside: str) -> None:
    os.mkdir(inside)
    try:
        with step(mark("mounting /sys")):
            sc.mount("sysfs", inside, "sysfs", _NO_PROGRAMS)
    except StepRefused:
        # Inside a container that hides parts of it, the kernel shows no other one.
        bind("/sys", inside, read_only=True)
        return
    if os.path.isdir("/sys/fs/cgroup"):
        # The kubelet asks which version it is; it writes nothing here.
        bind("/sys/fs/cgroup", f"{inside}/fs/cgroup", read_only=True)


def _add_sources(root: str, sources: Sources) -> None:
    for name in "tmp var/tmp var/lib/cni var/log run root proc mnt".split():
        os.makedirs(f"{root}/{name}")
    for name in ("tmp", "var/tmp"):
        os.chmod(f"{root}/{name}", 0o1777)
    os.symlink("/run", f"{root}/var/run")
    os.makedirs(f"{root}{at.ROOT}/home")
    binds = {
        path: (f"{sources.state}/{name}", name == "pki")
        for name, path in at.SHARED.items()
    }
    binds[at.BIN] = (sources.binaries, True)
    if sources.archive:
        binds[at.ARCHIVE] = (sources.archive, True)
    binds |= {path: (path, True) for path in python_files(sources.python)}
    for inside, (host, read_only) in binds.items():
        bind(host, f"{root}{inside}", read_only=read_only)


def _mount_store(store: str, inside: str, owner_namespace: int | None) -> None:
    """Mount the store; where the kernel refuses, the archive is imported instead."""
    inside = os.path.join(inside, os.path.basename(store))
    attributes = sc.MOUNT_ATTR_RDONLY | sc.MOUNT_ATTR_NOSUID | sc.MOUNT_ATTR_NODEV
    with suppress(OSError):
        mount = sc.copy_mount(store, attributes, owner_namespace)
        os.makedirs(inside)
        sc.place_mount(mount, inside)


def python_files(home: str) -> list[str]:
    """Return the files of this interpreter outside the directories of the system."""
    library = sysconfig.get_config_var("INSTSONAME") or ""
    paths = (
        os.path.realpath(sys.executable),
        os.path.dirname(os.__file__),
        os.path.join(home, "lib", library),
    )
    return [
        path
        for path in paths
        if path.split("/")[1] not in SYSTEM
        and (os.path.isfile(path) or path == paths[1])
    ]


def bind(host: str, inside: str, *, read_only: bool = False) -> None:
    """Show the file or directory `host` at `inside`, which is made if need be."""
    with step(f"showing {host} inside"):
        if os.path.isdir(host):
            os.makedirs(inside, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(inside), exist_ok=True)
            os.close(os.open(inside, os.O_CREAT | os.O_WRONLY, 0o600))
        # With what is mounted below: a user namespace allows no less.
        sc.mount(host, inside, "", sc.MS_BIND | sc.MS_REC)
    if read_only:
        with (
            step(f"making {host} read-only inside"),
            open("/proc/self/mountinfo", "rb") as file,
        ):
            # A remount reaches one mount, not those below it.
            for path in mounts_below(os.fsencode(inside), file):
                flags = sc.MS_REMOUNT | sc.MS_BIND | sc.MS_RDONLY | _locked_flags(path)
                sc.mount("none", os.fsdecode(path), "", flags)


def mounts_below(path: bytes, mountinfo: Iterable[bytes]) -> list[bytes]:
    """Return the mount points at and below `path`, by the lines of mountinfo."""
    points = [
        # Blanks and the like are written as three octal digits.
        re.sub(rb"\\(\d{3})", lambda m: bytes([int(m[1], 8)]), line.split(b" ")[4])
        for line in mountinfo
    ]
    return [p for p in points if p == path or p.startswith(path + b"/")]


def _locked_flags(path: bytes) -> int:
    # In a user namespace a remount may not drop the flags that the mount has.
    have = os.statvfs(path).f_flag
    # Mount flags and ST_ flags share these numbers; ST_RELATIME has another.
    same = _NO_PROGRAMS | sc.MS_NOATIME | sc.MS_NODIRATIME
    return have & same | (sc.MS_RELATIME if have & os.ST_RELATIME else 0)


def can_overlay(directory: str, lower: str | None = None) -> bool:
    """Return whether an overlay with its upper directory in `directory` works here.

    With `lower`, whether what is in that can be changed in an overlay of it.
    """
    base = os.path.join(directory, "overlay-probe")
    for name in ("lower", "upper", "work", "merged"):
        os.makedirs(f"{base}/{name}", exist_ok=True)
    lower = lower or f"{base}/lower"
    options = f"lowerdir={lower},upperdir={base}/upper,workdir={base}/work"
    try:
        sc.mount("overlay", f"{base}/merged", "overlay", 0, options)
    except OSError:
        _remove_probe(base)
        return False
    try:
        with open(f"{base}/merged/file", "w") as file:
            file.write("written")
        for name in os.listdir(lower):
            # The file becomes a copy, whose owner has to be the same.
            os.chmod(f"{base}/merged/{name}", 0o700)
        return os.path.exists(f"{base}/upper/file")
    except OSError:
        return False
    finally:
        sc.unmount(f"{base}/merged", sc.MNT_DETACH)
        _remove_probe(base)


def _remove_probe(base: str) -> None:
    """Remove the trial from inside: the kernel's remains are closed to all but root."""
    # And to root by a server of NFS, which knows of no user namespace.
    with suppress(FileNotFoundError):
        os.chmod(f"{base}/work/work", 0o700)
    shutil.rmtree(base)
