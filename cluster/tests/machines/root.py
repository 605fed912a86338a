"""Make the disk of a Debian 13 with systemd, and its kernel; only root can.

It is a fresh installation: what `make setup` wants is not in it but for make, a C
compiler and python3-venv. Two ordinary users are: `learner`, with the suite's programs
and image, so that nothing is built there, and `other`. The kernel is the image's.
"""

import fcntl
import hashlib
import os
import platform
import re
import shlex
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from unittest import mock

from cluster import paths
from cluster.image import build as image_build, find as image_find
from cluster.local.backend import Local
from cluster.processes import SYSTEM_PATH
from cluster.programs.runc import find_runc
from cluster.progress import Silent
from cluster.tests import imagebuild
from cluster.tests.commandline import ROOT

#: programs that make and run the machine, and the package that has each
PROGRAMS = {
    "mmdebstrap": "mmdebstrap",
    "mkfs.ext4": "e2fsprogs",
    "slirp4netns": "slirp4netns",
    "ssh": "openssh-client",
}
#: beside those of priority important: systemd, and what a person has who wants to learn
PACKAGES = (
    "systemd",
    "systemd-sysv",
    "systemd-resolved",
    "libpam-systemd",
    "udev",
    "kmod",
    "dbus",
    "dbus-user-session",
    "openssh-server",
    "sudo",
    "apparmor",
    "apparmor-utils",
    "ca-certificates",
    "curl",
    "git",
    "python3-venv",
    "make",
    "gcc",
    "libc6-dev",
)
SYSTEM = "debian-13"
USERS = ("learner", "other")
#: where slirp4netns leads a port of the host to
ADDRESS = "10.0.2.100"
NETWORK = f"""\
[Match]
Name=vec*
[Network]
Address={ADDRESS}/24
Gateway=10.0.2.2
DNS=10.0.2.3
LinkLocalAddressing=no
"""
#: The host's authorities, for who is behind a proxy that has one of its own.
TRUSTED = "etc/ssl/certs/ca-certificates.crt"
#: of the new system, by path
FILES = {
    # A frozen mirror has old lists of a testing suite.
    "etc/apt/apt.conf.d/frozen": 'Acquire::Check-Valid-Until "false";\n',
    "etc/apt/sources.list.d/debian.sources": imagebuild.SOURCES,
    "etc/environment": f"SSL_CERT_FILE=/{TRUSTED}\n",
    "etc/fstab": "/dev/ubda / ext4 defaults 0 1\n",
    "etc/hostname": "debian\n",
    "etc/hosts": "127.0.0.1 localhost\n127.0.1.1 debian\n",
    "etc/modules-load.d/pods.conf": "bridge\nveth\noverlay\nsquashfs\n",
    "etc/systemd/network/10-vec.network": NETWORK,
}
#: Run in the new system after what makes /opt/kernel; the words are the users.
SETTLE = """
mkdir -p /usr/lib/modules
mv /opt/kernel/usr/lib/uml/modules/* /usr/lib/modules/
systemctl enable systemd-networkd systemd-resolved ssh apparmor
systemctl mask apt-daily.timer apt-daily-upgrade.timer e2scrub_reap networking
for user; do
    useradd --create-home --shell /bin/bash "$user"
    cp -r /root/.ssh "/home/$user"
    chown -R "$user:" "/home/$user"
done
# Nothing is to be brought up to date by the first boot.
touch /etc/.updated /var/.updated
"""
#: libraries of the new system that its program needs to run outside it
LIBRARIES = ("lib64/ld-linux-x86-64.so.2", "lib/x86_64-linux-gnu/libc.so.6")
#: bytes of the disk, most of it a hole
SIZE = 24 << 30


def lacks() -> str:
    """Return why no machine can be had here, the reason of a skip, or ""."""
    if os.geteuid() != 0:
        return "only root can make the second machine"
    if platform.machine() != "x86_64":
        return "user-mode-linux is for x86-64 alone"
    for program, package in PROGRAMS.items():
        if not shutil.which(program, path=SYSTEM_PATH):
            return f"{package} is not installed"
    return ""


def ensure() -> Path:
    """Return the directory of what this checkout wants; making it takes minutes, once.

    In it are `disk`, an ext4, `key`, with which root and the users log in, and
    `kernel`, a root directory with `linux.uml` and its libc.
    """
    cache = paths.cache_dir() / "machines"
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(cache / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        programs, archive = Local().setup(Silent())
        # Of another distribution than this one: the suite takes it for that one's.
        with mock.patch.object(image_build, "system", lambda: SYSTEM):
            image = image_find.expected(programs).name
        step, variables = kernel_step((ROOT / "binder/Dockerfile").read_text())
        parts = (Path(__file__).read_text(), step, *variables, programs.name, image)
        key = hashlib.sha256("\0".join(parts).encode()).hexdigest()
        root = cache / key[:16]
        if root.exists():
            os.utime(root)
            return root
        kept = [path for path in cache.iterdir() if path.is_dir()]
        # The newest may be in use by another checkout.
        for older in sorted(kept, key=lambda path: path.stat().st_mtime)[:-1]:
            shutil.rmtree(older)
        began = time.monotonic()
        with tempfile.TemporaryDirectory(dir=cache) as work:
            system, made = Path(work, "system"), Path(work, "made")
            made.mkdir()
            _install(system, made, step, variables)
            _take_kernel(system, made)
            _give(system, programs, f"bin/{programs.name}")
            _give(system, archive, f"images/{image}")
            # As on a machine where it was built: there is none in the system yet.
            _give(system, find_runc(programs).path, f"bin/{programs.name}/runc")
            with open(made / "disk", "xb") as disk:
                disk.truncate(SIZE)
            _run("mkfs.ext4", "-q", "-d", str(system), str(made / "disk"))
            made.rename(root)
        took = time.monotonic() - began
        size = sum(file.lstat().st_blocks * 512 for file in root.rglob("*"))
        print(f"{root}: {size / 1e6:.0f} MB, {took:.0f} s")
        return root


def kernel_step(dockerfile: str) -> tuple[str, list[str]]:
    """Return what makes /opt/kernel, a shell's text, and its variables: NAME=VALUE."""
    text = re.sub(r"\\\n", "", re.sub(r"^\s*#.*\n", "", dockerfile, flags=re.M))
    [step] = re.findall(r"^RUN (.*user-mode-linux.*)$", text, re.M)
    return step, re.findall(r"^ARG (\w+=\S+)$", text, re.M)


def _install(system: Path, made: Path, step: str, variables: list[str]) -> None:
    """Install Debian in a directory, with the users and the step's /opt/kernel."""
    _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(made / "key"))
    files = made.with_name("files")
    public = (made / "key.pub").read_text()
    written = {TRUSTED: imagebuild.trusted(), "root/.ssh/authorized_keys": public}
    for path, text in (FILES | written).items():
        (files / path).parent.mkdir(parents=True, exist_ok=True)
        (files / path).write_text(text)
    given = " ".join(shlex.quote(variable) for variable in variables)
    settle = f"set -eu; cd /; rm etc/apt/sources.list; ({step})\n{SETTLE}"
    users = " ".join(USERS)
    copy = f'--customize-hook=cp -r {shlex.quote(str(files))}/. "$1"'
    _run(
        # The mounts are in a namespace of their own, and end with it.
        "unshare",
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        "mmdebstrap",
        "--quiet",
        "--mode=root",
        "--variant=important",
        *imagebuild.SLIM,
        "--dpkgopt=force-unsafe-io",
        f"--include={','.join(PACKAGES)}",
        copy,
        '--customize-hook=env -C "$1" chroot "$1" env '
        f"{given} sh -c {shlex.quote(settle)} sh {users}",
        # The step may have changed where packages come from.
        copy,
        "trixie",
        str(system),
        imagebuild.MIRROR,
    )


def _take_kernel(system: Path, made: Path) -> None:
    kernel = made / "kernel"
    kernel.mkdir()
    shutil.move(system / "opt/kernel/usr/bin/linux.uml", kernel)
    shutil.rmtree(system / "opt/kernel")
    for name in LIBRARIES:
        (kernel / name).parent.mkdir(parents=True)
        # Below the directory that /lib is a link to: it leads out of here otherwise.
        shutil.copy(system / "usr" / name, kernel / name)
    for name in ("dev", "proc", "tmp", "disk", "run"):
        (kernel / name).mkdir()


def _give(system: Path, path: Path | str, name: str) -> None:
    """Put programs, or the image, into the learner's cache."""
    home = f"/home/{USERS[0]}"
    target = Path(f"{system}{home}", ".cache", paths.cache_dir().name, name)
    target.parent.mkdir(parents=True, exist_ok=True)
    _run("cp", "-r", str(path), str(target))
    _run("chroot", str(system), "chown", "-R", f"{USERS[0]}:", home)


def _run(*command: str) -> None:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, f"{command[0]}: {done.stdout[-4000:]}"
