"""Run a command in the built image as a container engine would for Binder; root only.

`python -m tests.container [--memory 2g] [--cpus 1] -- COMMAND...` runs it as uid 1000
and as PID 1, with `no_new_privs` and a container's few capabilities. It can make no
namespaces, has a loopback device of its own, no other network, and a fresh home: what
it writes is gone with it. The checkout in the image is this one, as it is now. At the
end it tells how much memory everything took. `--privileged` is how a dev container runs
it, `--host-network` lets a browser in.

Limits need cgroup v1, and are left out with a word where its controllers are not.
"""

import argparse
import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from cluster import syscalls as sc
from cluster.die_with_parent import die_with_parent
from tests import forbidden, imagebuild
from tests.imagebuild import Image
from tests.notebooks import ROOT

UID = 1000
#: those that Docker leaves a container: chown to setfcap
CAPABILITIES = {0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31}
_LAST_CAPABILITY = 63
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 24, 38
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_CONTROLLERS = Path("/sys/fs/cgroup")


@dataclass
class Memory:
    """Bytes: the most that was in use, and the most without what can be dropped.

    `peak` has all page cache in it; `working` leaves out the cache that nobody has read
    a second time, as the kubelet does when it looks for whom to evict; `anonymous` is
    that of no file. `killed` counts processes that the limit ended.
    """

    peak: int = 0
    working: int = 0
    anonymous: int = 0
    killed: int = 0

    def __str__(self) -> str:
        """Return one line in MB."""
        return (
            f"memory: {self.peak / 1e6:.0f} MB with all page cache, working set "
            f"{self.working / 1e6:.0f} MB, anonymous {self.anonymous / 1e6:.0f} MB, "
            f"killed by the limit: {self.killed}"
        )


@dataclass(frozen=True)
class Done:
    """How a command ended, what it wrote to both streams, and its memory."""

    returncode: int
    stdout: str
    memory: Memory


def run(
    *command: str,
    environment: Mapping[str, str] | None = None,
    options: tuple[str, ...] = (),
    timeout: float = 600,
) -> Done:
    """Run a command with the limits of Binder and return what it did."""
    with tempfile.NamedTemporaryFile("r") as report:
        done = subprocess.run(
            _words(command, environment, (f"--report={report.name}", *options)),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
        )
        return Done(done.returncode, done.stdout, Memory(**json.load(report)))


@contextlib.contextmanager
def running(
    *command: str,
    environment: Mapping[str, str] | None = None,
    options: tuple[str, ...] = (),
) -> Iterator[subprocess.Popen]:
    """Run a command meanwhile; its stdout has both streams."""
    child = subprocess.Popen(
        _words(command, environment, options),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with child:
        try:
            yield child
        finally:
            child.terminate()


def _words(command, environment, options) -> list[str]:
    settings = [f"--env={name}={value}" for name, value in (environment or {}).items()]
    limits = ["--memory=2g", "--cpus=1"]
    words = [sys.executable, "-m", "tests.container", *limits, *settings, *options]
    return [*words, "--", *command]


# --- Limits -------------------------------------------------------------------


class Limits:
    """Control groups of a container, and the memory that was in use in them."""

    def __init__(self, memory: int, cpus: int) -> None:
        """Make them; say so and do without where this machine has none."""
        self.memory = Memory()
        self._ended = threading.Event()
        self.groups: dict[str, Path] = {}
        wanted = {
            "memory": {"memory.limit_in_bytes": memory},
            "cpuset": {
                "cpuset.mems": (_CONTROLLERS / "cpuset/cpuset.mems"),
                "cpuset.cpus": self._processors(cpus),
            },
        }
        for controller, settings in wanted.items():
            group = _CONTROLLERS / controller / f"container-{os.getpid()}"
            try:
                group.mkdir()
                self.groups[controller] = group
                for name, value in settings.items():
                    text = value.read_text() if isinstance(value, Path) else str(value)
                    (group / name).write_text(text)
            except OSError as error:
                sys.stderr.write(f"container: no limit of {controller}: {error}\n")
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _processors(self, count: int) -> str:
        return ",".join(map(str, sorted(os.sched_getaffinity(0))[:count]))

    def enter(self) -> None:
        """Put this process into them."""
        for group in self.groups.values():
            (group / "cgroup.procs").write_text("0")

    def _look(self) -> None:
        group = self.groups.get("memory")
        while group and not self._ended.wait(0.2):
            used = int((group / "memory.usage_in_bytes").read_text())
            lines = (group / "memory.stat").read_text().splitlines()
            stat = {name: int(value) for name, value in map(str.split, lines)}
            working = used - stat["total_inactive_file"]
            self.memory.working = max(self.memory.working, working)
            self.memory.anonymous = max(self.memory.anonymous, stat["total_rss"])

    def remove(self) -> Memory:
        """Return what was used, when nothing runs in them any more."""
        self._ended.set()
        self._thread.join()
        if group := self.groups.get("memory"):
            self.memory.peak = int((group / "memory.max_usage_in_bytes").read_text())
            lines = (group / "memory.oom_control").read_text().splitlines()
            self.memory.killed = int(dict(map(str.split, lines)).get("oom_kill", 0))
        for group in self.groups.values():
            group.rmdir()
        return self.memory


# --- The container ------------------------------------------------------------


def _prepare(image: Image, work: Path) -> Path:
    """Show the image, writable, in this mount namespace; return its root."""
    upper, root = work / "upper", work / "root"
    for directory in (upper, work / "work", root):
        directory.mkdir()
    options = f"lowerdir={image.root},upperdir={upper},workdir={work / 'work'}"
    sc.mount("none", "/", "", sc.MS_REC | sc.MS_PRIVATE)
    sc.mount("overlay", str(root), "overlay", 0, options)
    (root / "etc/hosts").write_text(f"127.0.0.1 localhost {socket.gethostname()}\n")
    for number, path in enumerate(image.config.get("Volumes") or ()):
        volume = work / f"volume-{number}"
        volume.mkdir()
        os.chown(volume, UID, UID)
        sc.mount(str(volume), f"{root}{path}", "", sc.MS_BIND)
    checkout = root / image.config["WorkingDir"].lstrip("/")
    shutil.rmtree(checkout)
    checkout.mkdir()
    imagebuild.copy_checkout(checkout)
    for path in (checkout, *checkout.rglob("*")):
        os.chown(path, UID, UID)
    return root


def _mounts(root: Path, group: Path | None, privileged: bool) -> None:
    closed = sc.MS_NOSUID | sc.MS_NODEV
    sc.mount("proc", f"{root}/proc", "proc", closed | sc.MS_NOEXEC)
    sc.mount("sysfs", f"{root}/sys", "sysfs", closed | sc.MS_RDONLY)
    cgroups = f"{root}/sys/fs/cgroup"
    if privileged:
        # All of the host's, as engines show them: a kubelet asks for each.
        sc.mount("/sys/fs/cgroup", cgroups, "", sc.MS_BIND | sc.MS_REC)
    elif group:
        sc.mount("tmpfs", cgroups, "tmpfs", closed, "mode=755")
        Path(cgroups, "memory").mkdir()
        sc.mount(str(group), f"{cgroups}/memory", "", sc.MS_BIND)
    sc.mount("tmpfs", f"{root}/tmp", "tmpfs", closed, "mode=1777")
    sc.mount("tmpfs", f"{root}/dev", "tmpfs", sc.MS_NOSUID, "mode=755")
    for name in _DEVICES:
        device = Path("/dev", name).stat().st_rdev
        os.mknod(f"{root}/dev/{name}", 0o020666, device)
        os.chmod(f"{root}/dev/{name}", 0o666)
    for name, kind, options in (
        ("shm", "tmpfs", "mode=1777,size=64m"),
        ("pts", "devpts", "newinstance,ptmxmode=666"),
    ):
        Path(root, "dev", name).mkdir()
        sc.mount(kind, f"{root}/dev/{name}", kind, sc.MS_NOSUID, options)
    os.symlink("pts/ptmx", f"{root}/dev/ptmx")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        os.symlink(f"/proc/self/fd/{number}", f"{root}/dev/{name}")
    os.symlink("/proc/self/fd", f"{root}/dev/fd")


def _loopback() -> None:
    up, running = 0x1, 0x40
    set_flags = 0x8914
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
        fcntl.ioctl(device, set_flags, struct.pack("16sH14x", b"lo", up | running))


def _become(image: Image, root: Path, given: argparse.Namespace) -> None:
    """Be the command, PID 1 of the container."""
    # Not by chroot, in which the kernel gives nobody a user namespace.
    os.chdir(root)
    sc.pivot_root(".", ".")
    sc.unmount(".", sc.MNT_DETACH)
    os.chdir(image.config["WorkingDir"])
    libc = ctypes.CDLL(None, use_errno=True)
    if not given.privileged:
        for number in set(range(_LAST_CAPABILITY + 1)) - CAPABILITIES:
            # Those that this kernel does not know are refused.
            libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)
    os.setgroups([])
    os.setresgid(UID, UID, UID)
    os.setresuid(UID, UID, UID)
    if not given.privileged:
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        forbidden.forbid()
    environment = image.environment | dict(each.split("=", 1) for each in given.env)
    os.environ["PATH"] = environment["PATH"]
    try:
        os.execvpe(given.command[0], given.command, environment)
    except OSError as error:
        sys.stderr.write(f"container: {given.command[0]}: {error.strerror}\n")
        os._exit(127)


def _start(image: Image, work: Path, limits: Limits, given) -> int:
    """Start the command; return the pid of a process that ends with it."""
    child = os.fork()
    if child:
        return child
    try:
        os.setsid()
        die_with_parent(signal.SIGKILL)
        limits.enter()
        network = 0 if given.host_network else sc.CLONE_NEWNET
        sc.unshare(sc.CLONE_NEWNS | sc.CLONE_NEWIPC | sc.CLONE_NEWUTS | network)
        root = _prepare(image, work)
        sc.unshare(sc.CLONE_NEWPID)
        command = os.fork()
        if not command:
            die_with_parent(signal.SIGKILL)
            if network:
                _loopback()
            _mounts(root, limits.groups.get("memory"), given.privileged)
            _become(image, root, given)
        signal.signal(signal.SIGTERM, lambda *_: os.kill(command, signal.SIGKILL))
        _, status = os.waitpid(command, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    except BaseException as error:
        sys.stderr.write(f"container: {error!r}\n")
        os._exit(125)


def size(text: str) -> int:
    """Return 2g or 512m as bytes."""
    return int(text[:-1]) << {"g": 30, "m": 20}[text[-1].lower()]


def main() -> None:
    """Run the command that the arguments name; exit as it does."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--memory", type=size, default=size("2g"))
    parser.add_argument("--cpus", type=int, default=1)
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--privileged", action="store_true")
    parser.add_argument("--host-network", action="store_true")
    parser.add_argument("--kept", action="store_true", help="the last image")
    parser.add_argument("--report", type=Path, help="a file for the memory, as JSON")
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("only root can run a container")
    image = (imagebuild.kept() if given.kept else None) or imagebuild.ensure()
    limits = Limits(given.memory, given.cpus)
    with (
        imagebuild.in_use(),
        tempfile.TemporaryDirectory(prefix="run-", dir=imagebuild.cache()) as work,
    ):
        try:
            child = _start(image, Path(work), limits, given)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: os.kill(child, signal.SIGTERM))
            _, status = os.waitpid(child, 0)
        finally:
            memory = limits.remove()
    if given.report:
        given.report.write_text(json.dumps(asdict(memory)))
    else:
        sys.stderr.write(f"container: {memory}\n")
    sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)


if __name__ == "__main__":
    main()
