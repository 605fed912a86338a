"""Run Debian's Docker engine for the tests, beside the system; only root can.

Its packages appear below /usr in its own mount namespace, slirp4netns leads its network
out, and its processes end with their starter. Images and layers are kept.

`python -m cluster.tests.engine [COMMAND...]` runs a command, or a shell, that reaches
it.
"""

import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from cluster import paths, syscalls as sc
from cluster.die_with_parent import command
from cluster.programs.check import SYSTEM_PATH
from cluster.tests.slowness import scaled
from cluster.waiting import poll

#: apt adds what this machine lacks for them, so a newer Debian's engine as well
PACKAGES = ("docker.io", "iptables")
#: since Debian 13 only recommended by docker.io
CLIENT = "docker-cli"
#: seconds, on a machine with nothing else to do
START, END = 30.0, 20.0
#: `--privileged` asks for all capabilities, and root lacks this one in some sandboxes
RUNC = """#!/bin/sh
file= before=
for word; do
  case $before in --bundle) file=$word/config.json ;; --process) file=$word ;; esac
  before=$word
done
[ -z "$file" ] || sed -i 's/"CAP_SYS_RESOURCE",\\|,"CAP_SYS_RESOURCE"//g' "$file"
exec runc "$@"
"""
#: becomes PID 1 of the engine: $1 has the packages, $2 the images, $3 is its socket, $4
#: its runtime
RUN = """
# kind mounts the kernel's modules into its node, and not every machine has a directory.
mkdir -p "$1/usr/lib/modules"
mount -t overlay overlay -o "lowerdir=$1/usr:/usr" /usr
mount -t tmpfs tmpfs /run
cd /sys/fs/cgroup
if [ -e cgroup.type ]; then
  # The root of a container's: where processes are, no group below may have limits.
  mkdir -p init
  xargs -rn1 <cgroup.procs >init/cgroup.procs || :
  sed 's/^/+/; s/ / +/g' cgroup.controllers >cgroup.subtree_control
fi
exec docker-init -- dockerd --data-root "$2" --host "unix://$3" --dns 10.0.2.3 \\
  --add-runtime "ours=$4" --default-runtime ours
"""
#: dpkg-deb would replace a link to a directory by one
UNPACK = 'dpkg-deb --fsys-tarfile "$1" | tar -xC "$2" --keep-directory-symlink'


def lacks() -> str:
    """Return why there can be no engine here, the reason of a skip, or ""."""
    if os.geteuid() != 0:
        return "only root can run Docker's engine"
    if not shutil.which("slirp4netns", path=SYSTEM_PATH):
        return "slirp4netns is not installed"
    return ""


class Engine:
    """A running Docker engine; a context manager, for there is one at a time.

    `environment` leads a program to it, and to its own `docker`; `pid` is a process in
    its network and, by `/proc/PID/root`, among its files.
    """

    def __init__(self) -> None:
        """Keep packages and images in the suite's cache."""
        self.home = paths.cache_dir() / "engine"
        self.pid = 0
        self._children: list[subprocess.Popen] = []

    def __enter__(self) -> "Engine":
        """Start it; raise AssertionError with its last words."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = open(self.home / "lock", "w")  # noqa: SIM115
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        # A socket's path may have 107 bytes.
        self._directory = tempfile.TemporaryDirectory(prefix="engine-")
        self._socket = Path(self._directory.name, "docker.sock")
        try:
            self._start(unpack(self.home))
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self, root: Path) -> None:
        self.environment = {
            **os.environ,
            "PATH": f"{root}/usr/bin:{root}/usr/sbin:{os.environ['PATH']}",
            "DOCKER_HOST": f"unix://{self._socket}",
            "DOCKER_CONFIG": self._directory.name,
            # Where the client has no plugin for the new way to build.
            "DOCKER_BUILDKIT": "0",
        }
        data = self.home / "data"
        namespaces = ["--mount", "--net", "--pid", "--fork", "--kill-child"]
        run = ["unshare", *namespaces, "--mount-proc", "sh", "-euc", RUN, "sh"]
        runtime = self.home / "runc"
        runtime.write_text(RUNC)
        runtime.chmod(0o755)
        given = (str(root), str(data), str(self._socket), str(runtime))
        daemon = self._child("daemon.log", *run, *given)
        self._until(lambda: psutil.Process(daemon.pid).children(), "its namespaces")
        [first] = psutil.Process(daemon.pid).children()
        self.pid = first.pid
        network = ["slirp4netns", "--configure", "--disable-host-loopback"]
        self._child("network.log", *network, "--mtu=65520", str(self.pid), "tap0")
        routes = Path(f"/proc/{self.pid}/net/route")
        self._until(lambda: "tap0" in routes.read_text(), "its network")
        self._until(self._socket.exists, "its socket")
        # From a session that was killed: Docker starts again what was to run for ever.
        if left := self.docker("ps", "--all", "--quiet").split():
            self.docker("rm", "--force", *left)

    def _child(self, log: str, *words: str) -> subprocess.Popen:
        with open(self.home / log, "wb") as written:
            child = subprocess.Popen(
                command(*words),
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=subprocess.STDOUT,
            )
        self._children.append(child)
        return child

    def _until(self, condition, what: str) -> None:
        def alive() -> None:
            ended = [each.args for each in self._children if each.poll() is not None]
            assert not ended, f"{ended} ended: {self.log()}"

        found = poll(condition, scaled(START), on_miss=alive, pause=0.05)
        assert found, f"{what} did not come: {self.log()}"

    def log(self) -> str:
        """Return the last words of the daemon and of its network."""
        return "\n".join(log.read_text()[-3000:] for log in self.home.glob("*.log"))

    def __exit__(self, *_) -> None:
        """End it with all that runs in it; images are kept."""
        if self.pid:
            # The containers first: a cgroup outlives a process that is killed.
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._children[0].wait(scaled(END))
        for child in self._children:
            child.kill()
            child.wait(END)
        self._directory.cleanup()
        self._lock.close()

    def docker(self, *words: str, **options) -> str:
        """Run `docker` and return its stdout; raise AssertionError with its stderr."""
        done = self.run(*words, stderr=subprocess.PIPE, **options)
        assert done.returncode == 0, f"docker {' '.join(words)}: {done.stderr}"
        return done.stdout.strip()

    def run(self, *words: str, **options) -> subprocess.CompletedProcess[str]:
        """Run `docker`; stdout has both streams unless `options` say otherwise."""
        usual = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        usual |= {"stdin": subprocess.DEVNULL, "timeout": 600}
        # The client is looked for in the environment's PATH.
        words = ("docker", *words)
        return subprocess.run(words, env=self.environment, **{**usual, **options})

    def start(self, *words: str, **options) -> subprocess.Popen:
        """Start `docker` and return its process."""
        return subprocess.Popen(["docker", *words], env=self.environment, **options)

    @contextmanager
    def network(self) -> Iterator[None]:
        """Put this thread, and what it starts, into the network of the engine.

        Ports that are published at 127.0.0.1 are there.
        """
        with network_of(self.pid):
            yield


def unpack(home: Path) -> Path:
    """Return the root directory of the packages that this machine has not installed."""
    root = home / "root"
    if root.exists():
        return root
    with tempfile.TemporaryDirectory(dir=home) as work:
        packages, made = Path(work, "packages"), Path(work, "root")
        (packages / "partial").mkdir(parents=True)
        # A fresh system has no lists, an old one has stale ones.
        _apt("apt-get", "update")
        client = [CLIENT] if not _apt("apt-cache", "show", CLIENT).returncode else []
        download = ["--download-only", "--yes", "--no-install-recommends"]
        places = [f"-oDir::Cache::archives={packages}", "-oDebug::NoLocking=1"]
        wanted = ["install", *PACKAGES, *client]
        done = _apt("apt-get", *download, *places, "-oAPT::Sandbox::User=root", *wanted)
        assert done.returncode == 0, done.stdout
        for name in ("bin", "sbin", "lib"):
            (made / "usr" / name).mkdir(parents=True)
            # As in the system: older packages have files in both.
            (made / name).symlink_to(f"usr/{name}")
        for package in packages.glob("*.deb"):
            subprocess.run(["sh", "-euc", UNPACK, "sh", package, made], check=True)
        # The package's installation script would make these links.
        for name in ("iptables", "ip6tables"):
            (made / f"usr/sbin/{name}").symlink_to("xtables-nft-multi")
        made.rename(root)
    return root


def _apt(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def network_of(pid: int) -> Iterator[None]:
    """Put this thread, and what it starts, into the network of a process."""
    with open("/proc/thread-self/ns/net") as ours:
        try:
            with open(f"/proc/{pid}/ns/net") as theirs:
                _enter(theirs.fileno())
            yield
        finally:
            _enter(ours.fileno())


def _enter(namespace: int) -> None:
    # Python has it since 3.12.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, sc.CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def main() -> None:
    """Run a command in the network of an engine; exit as it does."""
    with Engine() as engine, engine.network():
        words = sys.argv[1:] or [os.environ.get("SHELL", "sh")]
        done = subprocess.run(words, env=engine.environment)
    sys.exit(done.returncode & 0xFF)


if __name__ == "__main__":
    main()
