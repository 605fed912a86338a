"""Make the disk of a system with systemd, and its kernel; only root can.

Two ordinary users are in it: `learner`, with the suite's programs and image, so that
nothing is built there, and `other`.
"""

import fcntl
import hashlib
import os
import platform
import re
import shlex
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from unittest import mock

from cluster.errors import PROGRAM
from cluster.image import build as image_build, find as image_find
from cluster.local.backend import Local
from cluster.processes import SYSTEM_PATH
from cluster.programs.runc import find_runc
from cluster.progress import Progress, Silent, Terminal
from cluster.tests import imagebuild
from cluster.tests.commandline import ROOT
from cluster.tests.machines import kernel as own_kernel
from cluster.tests.machines.install import APART, install, machines, require_room, run
from cluster.tests.machines.systems import System

#: programs that make and run the machine, and the package that has each
PROGRAMS = {
    "mmdebstrap": "mmdebstrap",
    "mkfs.ext4": "e2fsprogs",
    "slirp4netns": "slirp4netns",
    "ssh": "openssh-client",
}
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
#: of every system, by path
FILES = {
    # A frozen mirror has old lists of a testing suite.
    "etc/apt/apt.conf.d/frozen": 'Acquire::Check-Valid-Until "false";\n',
    "etc/environment": f"SSL_CERT_FILE=/{TRUSTED}\n",
    "etc/fstab": "/dev/ubda / ext4 defaults 0 1\n",
    "etc/systemd/network/10-vec.network": NETWORK,
}
#: Run in the new system; the words are units that are masked, and the users.
SETTLE = """
systemctl enable systemd-networkd systemd-resolved ssh apparmor
systemctl mask $1
shift
for user; do
    useradd --create-home --shell /bin/bash "$user"
    cp -r /root/.ssh "/home/$user"
    chown -R "$user:" "/home/$user"
done
# Nothing is to be brought up to date by the first boot.
touch /etc/.updated /var/.updated
"""
#: Gives every file the label that SELinux' policy has for its path.
LABEL = "setfiles -F /etc/selinux/default/contexts/files/file_contexts /"
#: of the container image's kernel, which the Dockerfile has put into /opt/kernel
MODULES = """
mkdir -p /usr/lib/modules
mv /opt/kernel/usr/lib/uml/modules/* /usr/lib/modules/
"""
#: libraries of the new system that its program needs to run outside it
LIBRARIES = ("lib64/ld-linux-x86-64.so.2", "lib/x86_64-linux-gnu/libc.so.6")
#: of the kernel's root, which `RUN` in machine.py fills
MOUNTED = ("dev", "proc", "tmp", "disk", "run")
#: beginning of the name of a directory in which a machine is made
HALF = "half-"
#: bytes of the disk, most of it a hole, and of what is in it twice while it is made
SIZE, NEEDED = 24 << 30, 5e9


def lacks() -> str:
    """Return why no machine can be had here, the reason of a skip, or ""."""
    if os.geteuid() == 0 and platform.machine() != "x86_64":
        return "user-mode-linux is for x86-64 alone"
    return without(PROGRAMS)


def without(programs: dict[str, str]) -> str:
    """Return why a machine that takes these programs cannot be had here, or ""."""
    if os.geteuid() != 0:
        return "only root can make such a machine"
    for program, package in programs.items():
        if not shutil.which(program, path=SYSTEM_PATH):
            return f"{package} is not installed"
    return ""


def ensure(system: System, progress: Progress | None = None) -> Path:
    """Return the directory of what this checkout wants; making it takes minutes, once.

    In it are `disk`, an ext4, `key`, with which root and the users log in, and
    `kernel`, a root directory with `linux.uml` and its libc. Raise AssertionError.
    """
    progress = progress or Terminal()
    programs, archive = Local().setup(Silent())
    # From another distribution than this one: the suite takes it for that one's.
    with mock.patch.object(image_build, "system", lambda: system.name):
        image = image_find.expected_archive(programs).name
    step, variables = _kernel(system)

    def make(work: Path, made: Path) -> None:
        built = own_kernel.ensure(progress) if system.own_kernel else None
        progress.update(f"installing {system}, some minutes")
        tree = work / "system"
        _install(system, tree, made, step, variables)
        if built:
            shutil.copytree(built, made / "kernel")
        else:
            _take_kernel(tree, made / "kernel")
        for name in MOUNTED:
            (made / "kernel" / name).mkdir()
        _give(tree, programs, f"bin/{programs.name}")
        _give(tree, archive, f"images/{image}")
        # As on a machine where it was built: there is none in the system yet.
        _give(tree, find_runc(programs).path, f"bin/{programs.name}/runc")
        if system.security == "selinux":
            run(*APART, "chroot", str(tree), "sh", "-euc", LABEL)
        make_disk(tree, made / "disk", SIZE)

    own = Path(__file__).read_text()
    recipe = (own, repr(system), step, *variables, programs.name, image)
    return once(system.name, recipe, make, progress)


def once(
    name: str,
    recipe: Iterable[str],
    make: Callable[[Path, Path], None],
    progress: Progress,
) -> Path:
    """Return the directory of a machine that is made of `recipe`.

    `make` fills a missing one; its first argument is a directory to work in. What an
    interrupted run has half made goes. Raise AssertionError.
    """
    cache = machines() / name
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(cache / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        root = cache / hashlib.sha256("\0".join(recipe).encode()).hexdigest()[:16]
        if root.exists():
            os.utime(root)
            return root
        for half in cache.glob(f"{HALF}*"):
            shutil.rmtree(half)
        kept = [path for path in cache.iterdir() if path.is_dir()]
        # The newest may be in use by another checkout.
        for older in sorted(kept, key=lambda path: path.stat().st_mtime)[:-1]:
            shutil.rmtree(older)
        require_room(NEEDED, f"{name}'s root")
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix=HALF, dir=cache) as work:
            made = Path(work, "made")
            made.mkdir()
            make(Path(work), made)
            made.rename(root)
        took = time.monotonic() - began
        size = sum(file.lstat().st_blocks * 512 for file in root.rglob("*"))
        progress.finish(f"{root}: {size / 1e6:.0f} MB, {took:.0f} s")
        return root


def make_key(made: Path) -> str:
    """Make `key` there, by which one logs in; return its public half."""
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(made / "key"))
    return (made / "key.pub").read_text()


def make_disk(tree: Path, disk: Path, size: int) -> None:
    """Make an ext4 of so many bytes, most of it a hole, with the files of a tree."""
    with open(disk, "xb") as file:
        file.truncate(size)
    run("mkfs.ext4", "-q", "-d", str(tree), str(disk))


def _kernel(system: System) -> tuple[str, list[str]]:
    """Return what makes a system's kernel, a shell's text, and its variables.

    For a kernel of its own that is only its name.
    """
    if system.own_kernel:
        return f": {own_kernel.key()}", []
    return kernel_step((ROOT / "binder/Dockerfile").read_text())


def kernel_step(dockerfile: str) -> tuple[str, list[str]]:
    """Return what makes /opt/kernel, a shell's text, and its variables: NAME=VALUE."""
    text = re.sub(r"\\\n", "", re.sub(r"^\s*#.*\n", "", dockerfile, flags=re.M))
    [step] = re.findall(r"^RUN (.*user-mode-linux.*)$", text, re.M)
    return step, re.findall(r"^ARG (\w+=\S+)$", text, re.M)


def _install(
    system: System, tree: Path, made: Path, step: str, variables: list[str]
) -> None:
    """Install a system in a directory, with the users and the step's /opt/kernel."""
    public = make_key(made)
    files = made.with_name("files")
    written = {TRUSTED: imagebuild.trusted(), "root/.ssh/authorized_keys": public}
    for path, text in (FILES | system.files | written).items():
        (files / path).parent.mkdir(parents=True, exist_ok=True)
        (files / path).write_text(text)
    given = " ".join(shlex.quote(variable) for variable in variables)
    settle = f"set -eu; cd /; rm -f etc/apt/sources.list; ({step})\n"
    settle += SETTLE if system.own_kernel else MODULES + SETTLE
    words = shlex.join((system.masked, *USERS))
    copy = f'--customize-hook=cp -r {shlex.quote(str(files))}/. "$1"'
    install(
        system,
        tree,
        "--variant=important",
        *imagebuild.SLIM,
        f"--include={','.join(system.packages)}",
        copy,
        '--customize-hook=env -C "$1" chroot "$1" env '
        f"{given} sh -c {shlex.quote(settle)} sh {words}",
        # The step may have changed where packages come from.
        copy,
    )


def _take_kernel(tree: Path, kernel: Path) -> None:
    """Make a directory of the tree's /opt/kernel."""
    kernel.mkdir()
    shutil.move(tree / "opt/kernel/usr/bin/linux.uml", kernel)
    shutil.rmtree(tree / "opt/kernel")
    for name in LIBRARIES:
        (kernel / name).parent.mkdir(parents=True)
        # Below the directory that /lib is a link to: it leads out of here otherwise.
        shutil.copy(tree / "usr" / name, kernel / name)


def _give(tree: Path, path: Path | str, name: str) -> None:
    """Put programs, or the image, into the learner's cache."""
    home = f"/home/{USERS[0]}"
    target = Path(f"{tree}{home}", ".cache", PROGRAM, name)
    target.parent.mkdir(parents=True, exist_ok=True)
    run("cp", "-r", str(path), str(target))
    run("chroot", str(tree), "chown", "-R", f"{USERS[0]}:", home)
