"""Make a Debian 13 of arm64 and boot it on any processor, which QEMU imitates.

No program of arm64 runs while it is made but the pods' Python: packages are unpacked,
and what their scripts would have done is below. So there is no systemd in it; an
account has what systemd would give it, a cgroup of its own, and cpuset beside.
"""

import lzma
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

from cluster import errors, programs
from cluster.image import build as image_build, find as image_find, toolbox
from cluster.programs import build, check, golang, releases
from cluster.progress import Progress, Terminal
from cluster.tests import imagebuild
from cluster.tests.commandline import ROOT
from cluster.tests.machines import root
from cluster.tests.machines.install import install, machines, require_room, run
from cluster.tests.machines.machine import Machine
from cluster.tests.machines.systems import DEBIAN

NAME = "debian-13-arm64"
#: by the name that the kernel gives it
ARM64 = "aarch64"
#: programs that make and run the machine, and the package that has each
PROGRAMS = {
    "mmdebstrap": "mmdebstrap",
    "mkfs.ext4": "e2fsprogs",
    "modprobe": "kmod",
    "qemu-aarch64": "qemu-user",
    "qemu-system-aarch64": "qemu-system-arm",
    "ssh": "openssh-client",
}
#: A base system, and what `make setup` asks an administrator for.
PACKAGES = (
    "base-files",
    "bash",
    "busybox-static",
    "catatonit",
    "coreutils",
    "dash",
    "findutils",
    "grep",
    "gzip",
    "iproute2",
    "kmod",
    "libc-bin",
    "libstdc++6",
    "linux-image-cloud-arm64",
    "mawk",
    "mount",
    "openssh-server",
    "procps",
    "python3",
    "sed",
    "tar",
    "usr-is-merged",
    "util-linux",
    "curl",
    "jq",
    "nftables",
    "runc",
    "uidmap",
)
#: the ordinary user, as the disk has it
USER, UID = "learner", 1000
HOME = f"home/{USER}"
#: An account that is locked by `!` could not log in with a key either.
FILES = {
    "etc/passwd": f"""\
root:x:0:0:root:/root:/bin/bash
sshd:x:101:65534::/run/sshd:/usr/sbin/nologin
{USER}:x:{UID}:{UID}::/{HOME}:/bin/bash
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
""",
    "etc/group": f"root:x:0:\ntty:x:5:\n{USER}:x:{UID}:\nnogroup:x:65534:\n",
    "etc/shadow": "".join(
        f"{name}:*:20000:0:99999:7:::\n" for name in ("root", "sshd", USER, "nobody")
    ),
    "etc/subuid": f"{USER}:100000:65536\n",
    "etc/subgid": f"{USER}:100000:65536\n",
    "etc/hostname": "debian\n",
    "etc/hosts": "127.0.0.1 localhost debian\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "etc/ssh/sshd_config": "UsePAM no\nHostKey /etc/ssh/ssh_host_ed25519_key\n",
}
#: links that scripts of packages make
LINKS = {"usr/bin/sh": "dash", "usr/bin/awk": "mawk"}
#: modules by which the kernel comes to its disk
DISK = ("virtio_pci", "virtio_blk", "ext4")
#: Comes first, out of the kernel's initial file system.
FIRST = """\
#!/busybox sh
for module in /modules/*; do /busybox insmod $module; done
/busybox mount -t devtmpfs dev /dev
until [ -b /dev/vda ]; do /busybox usleep 10000; done
/busybox mount -t ext4 /dev/vda /new
exec /busybox switch_root /new /start
"""
#: Then PID 1. systemd delegates the same to an account, but for cpuset.
START = f"""\
#!/bin/sh
set -e
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /run
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir /run/sshd
busybox hostname -F /etc/hostname
modprobe -a virtio_net bridge veth overlay
ip link set lo up
ip address add 10.0.2.15/24 dev eth0
ip link set eth0 up
cd /sys/fs/cgroup
mkdir {USER}
for cgroup in . {USER}; do
    echo +cpu +cpuset +memory +pids >$cgroup/cgroup.subtree_control
done
mkdir {USER}/login
chown {UID} {USER} {USER}/cgroup.procs {USER}/cgroup.subtree_control
chown -R {UID} {USER}/login
echo 1 >{USER}/login/cgroup.procs
cd /
exec catatonit -- /usr/sbin/sshd -D -e
"""
#: Time in the machine is what it has computed, a nanosecond for each instruction, and
#: what it has slept. So it has the patience of any computer, however slowly it runs.
CLOCK = "shift=0,sleep=on"
QEMU = (
    "qemu-system-aarch64",
    "-machine",
    "virt",
    "-cpu",
    "neoverse-n1",
    "-accel",
    "tcg",
    "-icount",
    CLOCK,
    "-m",
    "2560M",
    "-display",
    "none",
    "-monitor",
    "none",
    "-serial",
    "stdio",
    "-append",
    "console=ttyAMA0 quiet",
)
#: of what `make venv` installs
LOCKS = tuple(ROOT / f"requirements-lock{part}.txt" for part in ("", "-test"))
#: bytes: of its disk, most of it a hole, and what a build takes until it ends
SIZE, BUILT = 8 << 30, 10e9


class Emulated(Machine):
    """A machine whose processor QEMU imitates; at its end all that it wrote is gone."""

    slower = 25.0

    def boot(self) -> None:
        """Start it and return when an account can log in; raise AssertionError."""
        self._choose_port()
        forward = f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{self.port}-:22"
        disk = f"file={self.root}/disk,format=raw,if=virtio,snapshot=on,cache=unsafe"
        started = ["-kernel", f"{self.root}/kernel", "-initrd", f"{self.root}/initrd"]
        devices = ["-drive", disk, "-netdev", forward]
        devices += ["-device", "virtio-net-pci,netdev=net,romfile="]
        # QEMU writes to a file without a name there.
        place = ["env", f"TMPDIR={self.directory}"]
        self._start("console", [*place, *QEMU, *started, *devices])
        self._until_login()


def lacks() -> str:
    """Return why no such machine can be had here, or ""."""
    return root.without(PROGRAMS)


def ensure(progress: Progress | None = None) -> Path:
    """Return the directory of the machine that this checkout wants.

    In it are `disk`, `key`, `kernel` and `initrd`. Making it takes half an hour, and an
    interrupted run is gone on from. Raise AssertionError.
    """
    progress = progress or Terminal()
    cache = machines() / "arm64"
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with _making_for_arm64(cache):
            built = programs.find()
        if not built:
            require_room(BUILT, "a build of arm64's programs")
        with _making_for_arm64(cache):
            binaries = programs.ensure(progress)
            archive = image_find.ensure(binaries, progress)
    except errors.LabError as error:
        raise AssertionError(str(error)) from None

    def make(work: Path, made: Path) -> None:
        progress.update(f"installing {NAME}")
        tree = work / "system"
        _install(tree, root.make_key(made))
        _take_kernel(tree, made)
        _give_python(tree)
        for path in binaries, archive:
            given = tree / HOME / ".cache" / errors.PROGRAM / path.relative_to(cache)
            given.parent.mkdir(parents=True)
            run("cp", "-r", str(path), str(given))
        run("chown", "-R", f"{UID}:{UID}", str(tree / HOME))
        root.make_disk(tree, made / "disk", SIZE)

    own = Path(__file__).read_text()
    locked = "".join(lock.read_text() for lock in LOCKS)
    recipe = (own, repr(DEBIAN), locked, binaries.name, archive.name)
    return root.once(NAME, recipe, make, progress)


@contextmanager
def _making_for_arm64(cache: Path) -> Iterator[None]:
    """Let the suite make what a learner's machine of that kind has in its cache."""
    settings = {"LAB_CACHE_DIR": str(cache), releases.OFF: "what is built is tested"}
    detect = golang.detect
    unpack, compile_ = toolbox.unpack_command, toolbox.compile_command

    def cross(path: Path) -> golang.Go | None:
        found = detect(path)
        return found and replace(found, machine="arm64")

    def unpack_foreign(*words: str) -> list[str]:
        program, *options = unpack(*words)
        return [program, "--architectures=arm64", "--skip=check/qemu", *options]

    def emulate(*words: str, **options: bool) -> list[str]:
        return ["qemu-aarch64", *compile_(*words, **options)]

    with ExitStack() as changed:
        changed.enter_context(mock.patch.dict(os.environ, settings))
        for where, name, value in (
            (platform, "machine", lambda: ARM64),
            (check, "_own_format", lambda: b"\2\1\xb7\0"),
            (golang, "detect", cross),
            # The machine has Debian's own runc.
            (build, "system_has", lambda step: step.substitute),
            (check, "system_has", lambda step: step.substitute),
            # The machine looks for the image by the name of its own distribution.
            (image_build, "system", lambda: DEBIAN.name),
            (toolbox, "unpack_command", unpack_foreign),
            (toolbox, "compile_command", emulate),
        ):
            changed.enter_context(mock.patch.object(where, name, value))
        yield


def _install(tree: Path, public: str) -> None:
    """Unpack a system into a directory, with an account that logs in by a key."""
    install(
        DEBIAN,
        tree,
        "--variant=extract",
        "--architectures=arm64",
        "--skip=check/qemu",
        *imagebuild.SLIM,
        f"--include={','.join(PACKAGES)}",
    )
    for name, text in FILES.items():
        _write(tree / name, text)
    # curl without any authority says so, and not that a certificate is of none.
    _write(tree / root.TRUSTED, imagebuild.trusted())
    _write(tree / "start", START, 0o755)
    for name, target in LINKS.items():
        if not os.path.lexists(tree / name):
            (tree / name).symlink_to(target)
    host = tree / "etc/ssh/ssh_host_ed25519_key"
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(host))
    for home in "root", HOME:
        _write(tree / home / ".ssh/authorized_keys", public)
    # The package has these bits, or its script sets them.
    for name in "newuidmap", "newgidmap":
        (tree / "usr/bin" / name).chmod(0o4755)


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def _take_kernel(tree: Path, made: Path) -> None:
    """Copy the kernel of a system, and make the file system that it begins with."""
    [kernel] = tree.glob("boot/vmlinuz-*")
    release = kernel.name.removeprefix("vmlinuz-")
    shutil.copy(kernel, made / "kernel")
    # As the script of its package does.
    run("depmod", "-b", str(tree), release)
    words = ("-d", str(tree), "-S", release, "--show-depends", "-a", *DISK)
    loads = [line.split() for line in run("modprobe", *words).splitlines()]
    modules = dict.fromkeys(Path(path) for word, path, *_ in loads if word == "insmod")
    files = {name: (0o40755, b"") for name in ("dev", "modules", "new")}
    files["init"] = 0o100755, FIRST.encode()
    files["busybox"] = 0o100755, (tree / "usr/bin/busybox").read_bytes()
    for number, module in enumerate(modules):
        content = lzma.decompress(module.read_bytes())
        files[f"modules/{number:02}.ko"] = 0o100644, content
    (made / "initrd").write_bytes(cpio(files))


def cpio(files: dict[str, tuple[int, bytes]]) -> bytes:
    """Return an archive as a kernel begins with it, of modes and contents by path.

    Its form is in Documentation/driver-api/early-userspace/buffer-format.rst.
    """
    packed = bytearray()
    for name, (mode, content) in {**files, "TRAILER!!!": (0, b"")}.items():
        called = name.encode() + b"\0"
        numbers = [0] * 13
        numbers[1], numbers[6], numbers[11] = mode, len(content), len(called)
        packed += b"070701" + "".join(f"{number:08X}" for number in numbers).encode()
        for part in called, content:
            packed += part
            packed += bytes(-len(packed) % 4)
    return bytes(packed)


def _give_python(tree: Path) -> None:
    """Give the account the environment that `make venv` makes in a checkout."""
    python = os.readlink(tree / "usr/bin/python3")
    environment = tree / HOME / errors.PROGRAM / ".venv"
    packages = environment / "lib" / python / "site-packages"
    first, second = (f"--requirement={lock}" for lock in LOCKS)
    version = python.removeprefix("python")
    target = (ARM64, os.devnull, str(packages), first)
    run(*toolbox.client_command(sys.executable, version, *target), second, "--no-deps")
    for data in "etc", "share":
        (packages / data).rename(environment / data)
    startup = environment / "etc/ipython/startup"
    startup.mkdir(parents=True)
    shutil.copy(ROOT / "helpers/data/jupyter/startup.ipy", startup / "lessons.ipy")
    (packages / "notebooks.pth").write_text(f"/{HOME}/{errors.PROGRAM}\n")
    settings = "home = /usr/bin\ninclude-system-site-packages = false\n"
    (environment / "pyvenv.cfg").write_text(settings)
    (environment / "bin").mkdir()
    (environment / "bin/python").symlink_to("/usr/bin/python3")
