"""Be PID 1 of the node: mount as in the local cluster, and run the components.

It is root of a kernel of its own, whose root directory are the host's files. A stop
ends that kernel from outside.
"""

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

from cluster import syscalls as sc
from cluster.local import images, init, network, rootfs, store
from cluster.machine import layout as at
from cluster.machine.components import Facts
from cluster.syscalls import step
from cluster.usermode import components, kernel

#: modules that pods need
MODULES = ("bridge", "veth", "overlay", "squashfs")
#: the disks of a user-mode Linux: what is written, and the images
_DISK, _IMAGES = "/dev/ubda", "/dev/ubdb"
#: Devices beside the local cluster's. The kubelet reads the kernel's messages, unless
#: it is in a user namespace.
_DEVICES = {
    _DISK: (stat.S_IFBLK, os.makedev(98, 0)),
    _IMAGES: (stat.S_IFBLK, os.makedev(98, 16)),
    "/dev/kmsg": (stat.S_IFCHR, os.makedev(1, 11)),
}
#: Blocks are small, because reading a page reads a whole one. The kernels do not read
#: extended attributes.
_SQUASHFS = (
    "-comp",
    "zstd",
    "-Xcompression-level",
    "3",
    "-b",
    "64K",
    "-no-xattrs",
    "-no-progress",
    "-quiet",
)
#: runs the words after the first, and gives their file its name
_WHOLE = 'made=$1; shift; "$@" && sync && mv "$made.part" "$made"'
_CGROUPS = "/sys/fs/cgroup"
#: file systems in which the kernel describes itself: type and mount point
_OWN = (("proc", "/proc"), ("sysfs", "/sys"), ("cgroup2", _CGROUPS))
_CONTAINERD = str(images.CONTAINERD)
#: the disk that is made, in `etc`
MADE = "images"
_SCRIPTS = {
    path.name: path.read_text()
    for path in (Path(components.RELAY), Path(__file__).with_name("tunnel.py"))
}


def main(plan_file: str) -> None:
    """Run the node that the file describes; does not return."""
    # Pods that are not root read what the kubelet writes.
    os.umask(0o022)
    # So far the host's are shown there, as dead files.
    for system, directory in _OWN:
        sc.mount(system, directory, system)
    plan = components.GuestPlan(**json.loads(Path(plan_file).read_text()))
    _load_modules(Path(kernel.MODULES, os.uname().release))
    _close_kernel()
    sc.set_hostname(at.NODE_NAME)
    rootfs.build(
        rootfs.Sources(plan.state, plan.binaries, plan.python_home, plan.archive)
    )
    rootfs.enter()
    for path, (kind, device) in _DEVICES.items():
        os.mknod(path, kind | 0o600, device)
    # Shown read-only so far.
    sc.mount("none", _CGROUPS, "", sc.MS_REMOUNT | sc.MS_BIND)
    _mount_disks()
    if not plan.archive:
        _mount_images()
    _clock_rate()
    network.configure_network()
    facts = init.find_facts(plan.python, plan.archive)
    if not facts.limits:
        raise sc.StepRefused("making cgroups", "this kernel lacks what pods need")
    if plan.archive:
        _make_disk(facts, plan.mksquashfs)
    network.add_device(components.DEVICE, components.GUEST_IP, components.GUEST_MASK)
    init.copy_scripts(_SCRIPTS)
    supervisor = init.make_supervisor(components.describe(facts, plan.port))
    supervisor.start()
    supervisor.reap()


def _make_disk(facts: Facts, mksquashfs: str) -> None:
    """Import the images, make a disk of them, and switch the machine off."""
    if store.fill(facts):
        disk = f"{at.ETC}/{MADE}"
        command = [mksquashfs, _CONTAINERD, f"{disk}.part", *_SQUASHFS]
        # `reap` may take the exit code, so the name says that the file is whole.
        line = ["sh", "-c", _WHOLE, "sh", disk, *command]
        subprocess.run(line, stdout=subprocess.DEVNULL)
    sc.power_off()


def _load_modules(directory: Path) -> None:
    lines = (directory / "modules.dep").read_text().splitlines()
    for path in load_order(lines, MODULES):
        with step(f"loading {path}"):
            sc.load_module(str(directory / path))


def _close_kernel() -> None:
    """Let no pod become this kernel, a process of the learner's: root or not."""
    with step("closing the kernel"):
        Path("/proc/sys/kernel/modules_disabled").write_text("1")
        # For /dev/mem. Programs that the kernel itself starts have bounds of their own.
        sc.drop_capability(sc.CAP_SYS_RAWIO)
        low = 2**32 - 1 & ~(1 << sc.CAP_SYS_RAWIO)
        bounds = Path("/proc/sys/kernel/usermodehelper/bset")
        bounds.write_text(f"{low} {2**32 - 1}")


def load_order(lines: list[str], names: tuple[str, ...]) -> Iterator[str]:
    """Return the files to load, dependencies first, by the lines of modules.dep."""
    needs_of = {}
    for line in lines:
        path, _, needs = line.partition(":")
        # Each line names all that it needs, the nearest first.
        needs_of[path.rpartition("/")[2].partition(".")[0]] = [path, *needs.split()]
    paths = (path for name in names for path in reversed(needs_of.get(name, [])))
    # A module that is not in the file is built in.
    yield from dict.fromkeys(paths)


def _mount_disks() -> None:
    with step("mounting the disk"):
        sc.mount(_DISK, _CONTAINERD, "ext4", sc.MS_NOATIME)
    for directory in (
        "/var/lib/kubelet",
        "/var/log/pods",
        # A unix socket is of a kernel: the host's files are no place for one.
        at.RUN,
    ):
        with step(f"mounting a tmpfs at {directory}"):
            sc.mount("tmpfs", directory, "tmpfs", sc.MS_NOSUID | sc.MS_NODEV)


def _mount_images() -> None:
    disk = Path(at.IMAGES)
    disk.mkdir()
    with step("mounting the disk with the images"):
        sc.mount(_IMAGES, str(disk), "squashfs", sc.MS_RDONLY | sc.MS_NODEV)
    images.begin(disk, Path(_CONTAINERD))


def _clock_rate() -> None:
    """Show a processor's clock rate: the kubelet ends where there is none to read."""
    text = Path("/proc/cpuinfo").read_text()
    copy = Path("/run/cpuinfo")
    copy.write_text(text.replace("model name", "cpu MHz\t\t: 1000.000\nmodel name"))
    with step("showing /proc/cpuinfo"):
        sc.mount(str(copy), "/proc/cpuinfo", "", sc.MS_BIND)
