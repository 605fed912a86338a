"""Boot a system in user-mode Linux, and log in to it through PAM, by ssh."""

import json
import os
import signal
import socket
import subprocess
from contextlib import closing
from pathlib import Path

from cluster.tests.machines.root import ADDRESS
from cluster.tests.slowness import scaled
from cluster.usermode import launcher
from cluster.waiting import poll

#: Seconds, of a machine with nothing else to do: UML starts Go programs slowly.
BOOT = 60.0
COMMAND = 120.0
END = 30.0
#: Bytes of a machine, such as an Ubuntu, in user-mode Linux: taken as it is touched.
#: What the host must have free is in __main__.py.
MEMORY = 3 << 30
#: Runs the kernel, in namespaces of its own. Its root is `$1`, which has a libc as new
#: as it needs, `$2` the machine's directory. The host's name is shown in the guest's
#: /proc/cpuinfo, where the kubelet looks for a clock rate: a mount over that file would
#: forbid namespaces a /proc of their own.
RUN = """
echo clock:1000.0 >/proc/sys/kernel/hostname
root=$1 files=$2; shift 2
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
mount --bind "${root%/*}" "$root/disk"
mount --bind "$files" "$root/run"
exec env -i HOME=/run TMPDIR=/tmp "$(command -v chroot)" "$root" /linux.uml "$@"
"""
LINUX = (
    "ubd0=/run/changes,/disk/disk",
    "root=/dev/ubda",
    "rw",
    "seccomp=on",
    "vec0:transport=bess,dst=/run/frames",
    "con=null",
    "con0=null,fd:1",
)


class Machine:
    """A machine with a disk that begins as `root`; what it changes is in `directory`.

    All that runs it ends with `end`, and with this thread.
    """

    #: how many times as long as in user-mode Linux anything may take
    slower = 1.0

    def __init__(
        self,
        root: Path,
        directory: Path,
        security: str = "apparmor",
        memory: int = MEMORY,
    ) -> None:
        self.root = root
        self.directory = directory
        self.options = (f"security={security}", f"mem={memory}")
        self.port = 0
        self._children: list[subprocess.Popen] = []

    def boot(self) -> None:
        """Start it and return when systemd has; raise AssertionError."""
        frames, orders = self.directory / "frames", self.directory / "orders"
        for path in (frames, orders):
            path.unlink(missing_ok=True)
        network = ["slirp4netns", "--target-type=bess", f"--api-socket={orders}"]
        self._start("network", [*network, str(frames)])
        self._until(frames.exists, "the network")
        where = [str(self.root / "kernel"), str(self.directory)]
        namespaces = ["--mount", "--uts", "--pid", "--fork", "--kill-child"]
        namespaces.append(f"--mount-proc={self.root}/kernel/proc")
        # Its kernel and its programs take turns: on one processor, at half the cost.
        processors = sorted(os.sched_getaffinity(0))
        ours = processors[os.getpid() % len(processors)]
        command = ["taskset", "--cpu-list", str(ours)]
        command += ["unshare", *namespaces, "sh", "-euc", RUN, "sh"]
        self._start("console", [*command, *where, *LINUX, *self.options])
        self._until(orders.exists, "the kernel")
        self._forward(orders)
        self._until_login()
        with self.log_in("root") as root:
            asked = "systemctl is-system-running --wait || systemctl --failed"
            state = root.run(asked, timeout=BOOT).stdout
        assert state == "running\n", state

    def _until_login(self) -> None:
        self._until(lambda: self.log_in("root", 5.0), "sshd").log_out()

    def _start(self, name: str, command: list[str]) -> None:
        with open(self.directory / name, "wb") as log:
            child = launcher.start(
                command,
                signal.SIGKILL,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                close_fds=True,
            )
        self._children.append(child)

    def _forward(self, orders: Path) -> None:
        """Lead a port to sshd."""
        self._choose_port()
        address = {"host_addr": "127.0.0.1", "host_port": self.port}
        address |= {"guest_addr": ADDRESS, "guest_port": 22}
        order = {"execute": "add_hostfwd", "arguments": {"proto": "tcp", **address}}
        with closing(socket.socket(socket.AF_UNIX)) as client:
            client.connect(str(orders))
            client.sendall(json.dumps(order).encode())
            client.shutdown(socket.SHUT_WR)
            answer = client.makefile().read()
        assert "error" not in json.loads(answer), answer

    def _choose_port(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]

    def _until(self, condition, what: str):
        def alive() -> None:
            ended = [
                child.args[0] for child in self._children if launcher.has_ended(child)
            ]
            # A machine that panicked stays as it is, for somebody to look at.
            panic = "Kernel panic" in self.console()
            assert not (ended or panic), f"{ended} ended: {self.console()[-3000:]}"

        longest = scaled(BOOT) * self.slower
        found = poll(condition, longest, on_miss=alive, pause=0.05)
        assert found, f"{what} is not there: {self.console()[-2000:]}"
        return found

    def console(self) -> str:
        """Return what the kernel and systemd have said since the last boot."""
        console = self.directory / "console"
        return console.read_text("utf-8", "replace") if console.exists() else ""

    def log_in(self, user: str, timeout: float = BOOT) -> "Session | None":
        """Log in; return None if nobody answers in time."""
        session = Session(self, user)
        return session if session.begin(timeout) else None

    def reboot(self) -> None:
        """Shut it down as its administrator does, and start it again."""
        with self.log_in("root") as root:
            root.run("systemctl poweroff --no-block")
        self._children[-1].wait(scaled(BOOT))
        self.end()
        self.boot()

    def end(self) -> None:
        """End it as a loss of power does; what it has written to its disk is kept."""
        for child in reversed(self._children):
            child.kill()
            child.wait(END)
        self._children.clear()


class Session:
    """A login of a user: until `log_out`, all that is run belongs to it."""

    def __init__(self, machine: Machine, user: str) -> None:
        self.machine = machine
        self.user = user
        self._way = machine.directory / f"{user}-{id(self):x}"
        self._master: subprocess.Popen | None = None

    def begin(self, timeout: float) -> bool:
        """Log in; say whether that succeeded in time."""
        timeout *= self.machine.slower
        options = {
            "BatchMode": "yes",
            "ConnectTimeout": f"{timeout:.0f}",
            "ControlMaster": "yes",
            "IdentitiesOnly": "yes",
            "LogLevel": "ERROR",
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": "/dev/null",
        }
        command = [*self._ssh(), "-N", "-i", str(self.machine.root / "key")]
        command += [f"-o{name}={value}" for name, value in options.items()]
        self._master = launcher.start(
            [*command, f"-p{self.machine.port}", f"{self.user}@127.0.0.1"],
            signal.SIGKILL,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=True,
        )
        done = lambda: self._way.exists() or launcher.has_ended(self._master)  # noqa: E731
        poll(done, scaled(timeout), pause=0.05)
        if not self._way.exists():
            self.log_out()
        return self._way.exists()

    def _ssh(self) -> list[str]:
        # No settings of the person who tests.
        return ["ssh", "-F/dev/null", f"-S{self._way}"]

    def command(self, line: str) -> list[str]:
        """Return what runs a shell's line in this session, a command of the host."""
        return [*self._ssh(), self.user, line]

    def forward(self, port: int) -> int:
        """Lead a free port of the host to one of the machine's; return it."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            ours = free.getsockname()[1]
        where = f"-L127.0.0.1:{ours}:127.0.0.1:{port}"
        subprocess.run([*self._ssh(), "-Oforward", where, self.user], check=True)
        return ours

    def run(
        self, line: str, *, input: str | None = None, timeout: float = COMMAND
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell's line; stdout has both streams."""
        return subprocess.run(
            self.command(line),
            input=input or "",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=scaled(timeout) * self.machine.slower,
        )

    def do(self, line: str, **options) -> str:
        """Run what must not fail; return what it wrote."""
        done = self.run(line, **options)
        assert done.returncode == 0, f"{line}: {done.returncode}\n{done.stdout}"
        return done.stdout

    def log_out(self) -> None:
        """End the session; what it has left running is systemd's to end."""
        if self._master:
            # Asked by SIGTERM it may wait for the other side.
            self._master.kill()
            self._master.wait(END)
            self._master = None
            self._way.unlink(missing_ok=True)

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_) -> None:
        self.log_out()
