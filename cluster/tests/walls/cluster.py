"""A cluster of one kind of account, and what of that account may not be reached.

PYTEST_DONT_REWRITE: tests read the messages of its assertions as they stand.
"""

import ctypes
import json
import os
import secrets
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from pathlib import Path

from cluster import paths
from cluster.image import find as image_find
from cluster.local import rootfs
from cluster.local.backend import Local
from cluster.machine import layout
from cluster.machine.lifecycle import START_TIMEOUT
from cluster.progress import Silent
from cluster.tests import commandline, unprivileged
from cluster.tests.running import sleeper
from cluster.tests.walls.hostile import NAMESPACES

HOSTILE = Path(__file__).with_name("hostile.py")
#: directories of the state directory that components, and so pods, are to have
SHARED = ("audit", "etc", "etcd", "logs", "node", "pki", "run")
#: starts a command with a key in the session's keyring, as a login with a ticket does
WITH_A_KEY = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
keyctl, add = (250, 248) if os.uname().machine == "x86_64" else (219, 217)
libc.syscall(keyctl, 1, None)
name, *command = sys.argv[1:]
assert libc.syscall(add, b"user", name.encode(), b"secret", 6, -3) > 0
os.execv(command[0], command)
"""


@contextmanager
def running(account: str) -> Iterator["Cluster"]:
    """Yield a running cluster of an account, and remove it."""
    # Not pytest's own directory, where another account may not go.
    with tempfile.TemporaryDirectory(prefix="walls-") as home, ExitStack() as opened:
        cluster = Cluster(account, Path(home), opened)
        try:
            cluster.up()
            yield cluster
        finally:
            cluster.helpers("delete", "--yes")


class Cluster:
    """The cluster of an account ("root", "one id", "65536 ids"; "me": whoever tests).

    "user-mode" is that of whoever tests, too, with a node in user-mode Linux.
    Its learner has a file, an environment variable and a key in `home`, a listener on
    loopback and an abstract socket. All is on the host, and none is for pods.
    """

    def __init__(self, account: str, home: Path, opened: ExitStack):
        self.account = account
        self.ordinary = account in ("one id", "65536 ids")
        self.home = home
        self.state = home / "state"
        self.secret = secrets.token_hex(16)
        self.mark = f"walls-{secrets.token_hex(6)}"
        self.binaries, self.archive = Local().setup(Silent())
        # Of the learner's own: the store of the image is made there.
        self.cache = home / "cache" if account != "user-mode" else paths.cache_dir()
        self._open = opened

    def helpers(self, *words: str, timeout: float = 120) -> str:
        """Run `python -m helpers` as the learner; return what it prints."""
        done = self.python("-m", "helpers", *words, timeout=timeout)
        assert done.returncode == 0, (words, done.stdout)
        return done.stdout

    def python(self, *words: str, timeout: float = 120) -> subprocess.CompletedProcess:
        given = {
            "LAB_BACKEND": "local" if self.account != "user-mode" else "control-plane",
            "LAB_STATE_DIR": str(self.state),
            "LAB_CACHE_DIR": str(self.cache),
            "LAB_ASSETS": str(self.binaries),
            "LAB_PROGRESS": "off",
            "WALLS_SECRET": self.secret,
        }
        if not self.ordinary:
            streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
            return commandline.python(
                *words, env=given, timeout=timeout, capture_output=False, **streams
            )
        return unprivileged.run(
            [sys.executable, *words],
            self.home,
            show=[self.archive],
            environment=given,
            ids=self.account == "65536 ids",
            timeout=timeout,
        )

    def up(self) -> None:
        """Start it, with what a learner has around."""
        self.home.chmod(0o700)
        if not self.diary.exists() and self.account != "user-mode":
            self._own_programs()
        self.diary.write_text(f"my diary: {self.secret}\n")
        (self.home / ".bashrc").touch()
        if self.ordinary:
            theirs = self.binaries, self.binaries / "kubectl", self.cache / "images"
            for path in (self.home, *self.home.iterdir(), *theirs):
                os.chown(path, unprivileged.UID, unprivileged.UID)
        command = [sys.executable, "-m", "helpers", "up"]
        # A start gives up by itself, and says why: in a slow machine, after minutes.
        limit = START_TIMEOUT + 60
        done = self.python("-c", WITH_A_KEY, self.mark, *command, timeout=limit)
        assert done.returncode == 0, done.stdout

    def _own_programs(self) -> None:
        """Give the learner programs as a set-up gives: their own, to be changed."""
        theirs = self.home / "programs"
        theirs.mkdir()
        for program in self.binaries.iterdir():
            if program.name != "kubectl":
                # The programs may be on another file system.
                with suppress(OSError):
                    (theirs / program.name).hardlink_to(program)
                    continue
            # Names of one program are links to it.
            shutil.copy(program, theirs, follow_symlinks=False)
        self.binaries = theirs
        (self.cache / "images").mkdir(mode=0o700, parents=True)
        (self.cache / "images" / self.archive.name).symlink_to(self.archive)

    def kubectl(self, *words: str, input: str | None = None, timeout=60) -> str:
        done = subprocess.run(
            [self.binaries / "kubectl", *words],
            env={"KUBECONFIG": str(self.state / "kubeconfig"), "HOME": "/nonexistent"},
            input=input,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def run_pod(self, name: str, privileged: bool = False, **spec) -> None:
        """Run a pod that sees the node's files at /host."""
        pod = sleeper(
            name,
            volumeMounts=[{"name": "root", "mountPath": "/host"}],
            securityContext={"privileged": privileged},
        )
        pod["spec"] |= {
            "volumes": [{"name": "root", "hostPath": {"path": "/"}}],
            **spec,
        }
        self.kubectl("apply", "-f", "-", input=json.dumps(pod))
        self.kubectl(
            "wait", "--for=condition=Ready", f"pod/{name}", "--timeout=90s", timeout=100
        )

    def sh(self, pod: str, script: str) -> str:
        return self.kubectl("exec", pod, "--", "sh", "-c", script)

    def attempts(self, pod: str, **more) -> dict[str, dict]:
        """Run `hostile.py` in a pod and return its table."""
        # Each time anew: after `delete` another file may have got an inode's number.
        private = {"private": _inodes(self.private())}
        world = json.dumps(self.world | private | more)
        words = ("exec", "-i", pod, "--", "python3", "-", world)
        said = self.kubectl(*words, input=HOSTILE.read_text(), timeout=900)
        return json.loads(said)

    @property
    def diary(self) -> Path:
        return self.home / "diary"

    @property
    def port(self) -> int:
        return int((self.state / "port").read_text())

    def status(self) -> dict:
        return json.loads((self.state / "run/status.json").read_text())

    @cached_property
    def world(self) -> dict:
        """Return what `hostile.py` looks for, as it is on the host."""
        listener = self._open.enter_context(socket.create_server(("127.0.0.1", 0)))
        named = str(self.home / "socket")
        for name in (f"\0{self.mark}", named):
            unix = self._open.enter_context(socket.socket(socket.AF_UNIX))
            unix.bind(name)
            unix.listen()
        disk = os.stat("/").st_dev
        kind, handle = _handle(self.diary)
        return {
            "top": "/host",
            "state": str(self.state),
            "api": self.port,
            "paths": [str(self.diary), "/etc/shadow", str(self.state / "kubeconfig")],
            "programs": _inodes(self.programs()),
            "inside": [
                f"{layout.BIN}/kubectl",
                layout.ARCHIVE,
                *self.layers(),
                "/usr/bin/env",
                os.path.realpath(sys.executable),
                os.__file__,
            ],
            "skip": [
                *(f"/{name}" for name in rootfs.SYSTEM),
                os.path.dirname(os.__file__),
            ],
            "namespaces": {
                kind: os.stat(f"/proc/self/ns/{kind}").st_ino for kind in NAMESPACES
            },
            "port": listener.getsockname()[1],
            "socket": named,
            "shm": self._shared_memory(),
            "secret": self.secret,
            "mark": self.mark,
            "handle": handle.hex(),
            "handle_type": kind,
            "disk": [os.major(disk), os.minor(disk)],
        }

    def private(self) -> list[Path]:
        """List the learner's files: all that is not in a directory that is shared."""
        ours = [path for path in self.state.iterdir() if path.name not in SHARED]
        within = [path for each in ours for path in each.rglob("*")]
        around = [self.home, self.state, self.diary, self.home / ".bashrc"]
        system = map(Path, ("/", "/etc", "/etc/shadow", "/home", "/root", "/proc"))
        return [path for path in (*ours, *within, *around, *system) if path.exists()]

    def programs(self) -> list[Path]:
        """List what the learner runs, and the machine is shown."""
        python = (sys.executable, os.__file__, "/usr/bin/env")
        layers = self.layers().values()
        return [*self.binaries.iterdir(), self.archive, *layers, *map(Path, python)]

    def layers(self) -> dict[str, Path]:
        """Return a program of the image that clusters share, by its path inside."""
        store = image_find.store_of(self.cache / "images" / self.archive.name)
        found = store.glob("*overlayfs/snapshots/*/fs/usr/bin/env")
        return {f"{layout.IMAGES}/{p.relative_to(store.parent)}": p for p in found}

    def _shared_memory(self) -> int:
        libc = ctypes.CDLL(None, use_errno=True)
        key = int(self.mark[-6:], 16)
        identity = libc.shmget(key, 4096, 0o1666)
        assert identity >= 0, os.strerror(ctypes.get_errno())
        self._open.callback(libc.shmctl, identity, 0, None)
        return key


def _handle(path: Path) -> tuple[int, bytes]:
    """Return by what open_by_handle_at(2) finds a file; b"" where there is no such."""
    # The bytes that there is room for; then those that are needed, and the kind.
    found = ctypes.create_string_buffer((128).to_bytes(4, sys.byteorder), 4 + 4 + 128)
    mount = ctypes.c_int()
    libc = ctypes.CDLL(None, use_errno=True)
    # AT_FDCWD
    if libc.name_to_handle_at(-100, bytes(path), found, ctypes.byref(mount), 0):
        return 0, b""
    size, kind = struct.unpack_from("Ii", found)
    return kind, found.raw[8 : 8 + size]


def _inodes(paths: list[Path]) -> dict[str, str]:
    """Return the files by what names them in any mount namespace."""
    found = {path: path.stat() for path in paths}
    return {f"{each.st_dev}:{each.st_ino}": str(path) for path, each in found.items()}
