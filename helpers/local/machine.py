"""Start, find and stop the machine of the local cluster, from the host's side.

Whether it runs is decided by a lock that the machine's own processes hold; the pid
in `machine.json` is used only together with its start time.
"""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from helpers import errors
from helpers.local import init, layout, namespaces
from helpers.progress import Progress

#: what is made anew at each start; objects, keys and images are kept
VOLATILE = ("run", "etc", "node/kubelet", "logs/pods")
KEPT = ("pki", "etcd", "logs", "node/containerd")
#: bytes that a start wants free: etcd's log alone takes 64 MB beforehand
DISK_NEEDED = 600_000_000


@dataclass(frozen=True)
class Machine:
    """The machine whose state is in the directory `state`."""

    state: Path

    def running(self) -> bool:
        """Say whether any of its processes is alive."""
        try:
            lock = os.open(self.state / "machine.lock", os.O_RDWR)
        except OSError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(lock)
        return False

    def status(self) -> dict | None:
        """Return what PID 1 last said of itself, or None if it does not run.

        Keys: `phase` (starting, ready, stopping, failed), `awaited`, `failed`,
        `began` and `ready_at` (seconds of the epoch), `components` by name with
        `state`, `pid`, `restarts`, `last_exit`, `since`.
        """
        if not self.running():
            return None
        return _read_json(self.state / "run" / "status.json") or {
            "phase": "starting",
            "awaited": ["the machine"],
            "failed": None,
            "components": {},
        }

    def pid(self) -> int | None:
        """Return PID 1's pid on the host, or None if that process is gone."""
        known = _read_json(self.state / "machine.json")
        if not known or not isinstance(known.get("pid"), int):
            return None
        same = namespaces.start_time(known["pid"]) == known.get("start")
        return known["pid"] if same and known.get("start") else None

    def start(
        self, binaries: Path, archive: Path | None, port: int, progress: Progress
    ) -> int:
        """Start the machine and wait until the cluster is ready; return its port.

        `port` 0 takes any free one. Raise NamespacesForbidden, PortTaken, StateError,
        ComponentFailed or StartFailed; nothing is left running then.
        """
        self._prepare()
        listener = _listen(port)
        with listener:
            process, report = self._launch(binaries, archive, listener)
        try:
            self._await_world(process, report, progress)
            self._await_ready(process, progress)
        except BaseException:
            # Also KeyboardInterrupt: a half cluster is worse than none.
            self.stop()
            process.wait()
            raise
        finally:
            os.close(report)
        return port_of(self.state)

    def await_ready(self, progress: Progress) -> None:
        """Wait for a start that another process began."""
        self._await_ready(None, progress)

    def stop(self, *, patience: float = 8.0) -> bool:
        """Stop the machine; return False if it did not run.

        SIGTERM first; after `patience` seconds the kernel ends what is left.
        """
        if not self.running():
            return False
        for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, 5.0)):
            self._signal(number)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                if not self.running():
                    return True
                time.sleep(0.02)
        raise errors.StateError(
            self.state,
            "the machine does not end, even by SIGKILL.",
            f"Look at process {self.pid()}; it may wait for a file system.",
        )

    def _signal(self, number: int) -> None:
        pid = self.pid()
        if pid is None:
            # Killed between its birth and the writing of machine.json: the outer
            # process is our only handle, and it is gone then, too.
            return
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return

    def _prepare(self) -> None:
        try:
            for name in (*VOLATILE, *KEPT):
                path = self.state / name
                if name in VOLATILE and path.exists():
                    remove_tree(path)
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.state.chmod(0o700)
        except OSError as error:
            raise errors.StateError(
                self.state,
                f"cannot be used: {error.strerror}.",
                "Free it, or name another directory in LAB_STATE_DIR.",
            ) from error
        free = shutil.disk_usage(self.state).free
        if free < DISK_NEEDED:
            raise errors.NotEnough(
                "disk space",
                f"for the cluster's state in {self.state}",
                DISK_NEEDED,
                free,
                "Free some, or name another directory in LAB_STATE_DIR.",
            )
        for log in (self.state / "logs").glob("*.log"):
            log.replace(log.with_suffix(".log.1"))

    def _launch(
        self, binaries: Path, archive: Path | None, listener: socket.socket
    ) -> tuple[subprocess.Popen, int]:
        python = Path(sys.executable).resolve()
        plan = init.Plan(
            state=str(self.state),
            binaries=str(binaries.resolve()),
            python=str(python),
            python_home=sys.base_prefix,
            listener=listener.fileno(),
            images=str(archive.resolve().parent) if archive else None,
            archive=archive.resolve().name if archive else None,
            archive_key=archive.stem if archive else None,
        )
        plan_file = self.state / "run" / "plan.json"
        plan_file.write_text(namespaces.plan_to_json(plan))
        write_port(self.state, listener.getsockname()[1])
        report, theirs = os.pipe()
        root = str(Path(__file__).resolve().parents[2])
        program = (
            f"import sys; sys.path.insert(0, {root!r}); "
            "from helpers.local.namespaces import main; "
            "sys.exit(main(sys.argv[1], int(sys.argv[2])))"
        )
        with open(self.state / "logs" / "machine.log", "ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-I", "-c", program, str(plan_file), str(theirs)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                pass_fds=(listener.fileno(), theirs),
                # Not in the kernel's process group: an interrupted cell must not
                # reach the cluster.
                start_new_session=True,
            )
        os.close(theirs)
        return process, report

    def _await_world(
        self, process: subprocess.Popen, report: int, progress: Progress
    ) -> None:
        os.set_blocking(report, False)
        said = b""
        while True:
            progress.update("making the namespaces of the cluster")
            try:
                chunk = os.read(report, 65536)
            except BlockingIOError:
                time.sleep(0.01)
                continue
            if not chunk:
                break
            said += chunk
        if said:
            process.wait()
            refusal = json.loads(said)
            raise refused(refusal["step"], refusal["reason"])

    def _await_ready(self, process, progress: Progress) -> None:
        while True:
            if process is not None:
                process.poll()  # reap it, should it have died
            status = self.status()
            if status is None:
                raise errors.StartFailed(
                    "The machine ended while it was starting.\n"
                    + tail(self.state / "logs" / "machine.log"),
                    f"Its log is {self.state / 'logs' / 'machine.log'}.",
                )
            if status["phase"] == "ready":
                return
            if status["phase"] in ("failed", "stopping", "stopped"):
                raise self._failure(status)
            progress.update("waiting for " + ", ".join(status["awaited"]))
            time.sleep(0.05)

    def _failure(self, status: dict) -> errors.StartFailed:
        name = status["failed"]
        if name:
            log = self.state / "logs" / f"{name}.log"
            ended = status["components"][name]["last_exit"] or "unknown end"
            return errors.ComponentFailed(name, ended, tail(log), log)
        if status["phase"] == "failed":
            problem = f" ({status['problem']})" if status.get("problem") else ""
            return errors.StartFailed(
                f"The cluster was not ready after {init.BUDGET:.0f} s; still awaited: "
                + ", ".join(status["awaited"])
                + problem,
                f"The logs are in {self.state / 'logs'}.",
            )
        return errors.StartFailed(
            "The cluster was stopped while it was starting.",
            "Start it again with `python -m helpers up`.",
        )


def refused(step: str, reason: str) -> errors.LabError:
    """Return the error for a step that the kernel refused, with the way out."""
    return errors.NamespacesForbidden(step, reason, way_out_of(step))


def way_out_of(step: str) -> str:
    """Say what may be done about a refused step, from this machine's settings."""
    for setting, value, advice in (
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "=0"),
        ("kernel/unprivileged_userns_clone", "0", "=1"),
        ("user/max_user_namespaces", "0", "=15000"),
    ):
        try:
            found = Path("/proc/sys", setting).read_text().strip()
        except OSError:
            continue
        if found == value:
            name = setting.replace("/", ".")
            return (
                f"User namespaces are restricted ({name}={value}). An administrator "
                f"can allow them: `sudo sysctl {name}{advice}`."
            )
    return (
        "This is usual inside a container: give it --privileged, or use Docker and "
        "kind on the host."
    )


def tail(path: Path, lines: int = 20) -> str:
    """Return the last lines of a log, or nothing if there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 64 * 1024))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def port_of(state: Path) -> int:
    """Return the port of the last start, or 0."""
    try:
        return int((state / "port").read_text())
    except (OSError, ValueError):
        return 0


def write_port(state: Path, port: int) -> None:
    """Keep the port, so that the next start and old kubeconfigs agree."""
    (state / "port").write_text(str(port))


def _listen(port: int) -> socket.socket:
    """Bind the host's port now and keep it open: no one can take it in between."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise errors.PortTaken(port) from error
    listener.listen(512)
    return listener


def remove_tree(path: Path) -> None:
    """Remove a directory, also where ids of the user namespace own files in it."""
    try:
        shutil.rmtree(path)
    except PermissionError:
        root = str(Path(__file__).resolve().parents[2])
        program = (
            f"import os, shutil, sys; sys.path.insert(0, {root!r}); "
            "from helpers.local.namespaces import enter; enter(); "
            "shutil.rmtree(sys.argv[1])"
        )
        subprocess.run(
            [sys.executable, "-I", "-c", program, str(path)],
            check=True,
            capture_output=True,
        )


def _read_json(path: Path) -> dict | None:
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


