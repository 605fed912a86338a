"""Start, find and stop the machine of the local cluster, from the host's side.

Whether it runs is decided by a lock that the machine's own processes hold; the pids
in `machine.json` are used only together with their start times.
"""

import dataclasses
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from cluster import errors, ports
from cluster.local import facts, identity, init, namespaces, probes, storage
from cluster.local.refusal import refused, way_out_of
from cluster.local.storage import remove_tree
from cluster.logs import last_words, tail
from cluster.ports import port_of, write_port
from cluster.progress import Progress
from cluster.statedir import open_private, write_private

__all__ = ["Machine", "port_of", "remove_tree", "tail", "way_out_of", "write_port"]

#: seconds that the API server may take to answer once the cluster was ready
ANSWER_WITHIN = 10.0
#: what the host's phase says when PID 1 says "ready" and the API server says nothing
NOT_ANSWERING = "not answering"

_ENDING = ("failed", "stopping", "stopped")


@dataclass(frozen=True)
class Machine:
    """The machine whose state is in the directory `state`."""

    #: what a start does before it can tell of components
    _first = "making the namespaces of the cluster"

    state: Path

    def running(self) -> bool:
        """Say whether any of its processes is alive."""
        return identity.running(self.state)

    def status(self) -> dict | None:
        """Return how it is, or None if it does not run; raise StateError.

        Keys: `phase` (starting, ready, not answering, stopping, failed), `awaited`,
        `failed`, `problem`, `began` and `ready_at` (seconds of the epoch), `ids` (how
        many user ids pods can have), `components` by name with `state`, `pid` (inside),
        `restarts`, `last_exit`, `since`. It is what PID 1 last said; only for "ready"
        the API server is asked again, for at most `probes.TIMEOUT` seconds.
        """
        if not self.running():
            return None
        found = self._said()
        if found["phase"] == "ready" and not self.answers():
            found["phase"] = NOT_ANSWERING
        return found

    def ending(self) -> bool:
        """Say whether it runs, but will end by itself: stopped, or its start failed."""
        if not self.running():
            return False
        try:
            return self._said()["phase"] in _ENDING
        except errors.StateError:
            return False

    def answers(self) -> bool:
        """Say whether the API server calls itself ready, asked from the host."""
        try:
            return probes.readyz(port_of(self.state), self.state / "pki" / "ca.crt")
        except OSError:
            return False

    def pid(self) -> int | None:
        """Return PID 1's pid on the host, or None if that process is gone."""
        return identity.pid_of(self.state, "pid_1")

    def start(
        self, binaries: Path, archive: Path | None, port: int, progress: Progress
    ) -> int:
        """Start the machine and wait until the cluster is ready; return its port.

        `port` 0 takes any free one. Raise NamespacesForbidden, PortTaken, StateError,
        NotEnough, ComponentFailed or StartFailed; nothing is left running then.
        """
        launched = False
        try:
            with identity.locked(self.state) as lock, self._take(port) as listener:
                storage.prepare(self.state)
                launched = True
                report = self._launch(binaries, archive, listener, lock)
            self._await_world(report, progress)
            self._await_ready(progress)
        except BaseException:
            # Also KeyboardInterrupt: a half cluster is worse than none. But not when
            # it is another's.
            if launched:
                self.stop()
            raise
        return port_of(self.state)

    def await_ready(self, progress: Progress) -> None:
        """Wait for a start that another process began.

        Raise NotAnswering for a cluster that was ready and does not answer any more.
        """
        self._await_ready(progress)
        began = time.monotonic()
        while not self.answers():
            waited = time.monotonic() - began
            if waited > ANSWER_WITHIN:
                raise errors.NotAnswering(waited)
            progress.update("waiting for the API server's answer")
            time.sleep(0.1)

    def stop(self, *, patience: float = 8.0) -> bool:
        """Stop the machine; return False if it did not run.

        SIGTERM first; after `patience` seconds the kernel ends what is left.
        """
        if not self.running():
            return False
        for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, 15.0)):
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                # Again and again: a start that is a few milliseconds old has not
                # written yet who it is, and a PID 1 without a handler hears nothing.
                identity.send(self.state, number)
                time.sleep(0.02)
                if not self.running():
                    return True
        raise errors.StateError(
            self.state,
            "the machine does not end, even by SIGKILL.",
            f"Look at process {self.pid()}; it may wait for a file system.",
        )

    def delete(self) -> bool:
        """Stop the machine and remove the directory; return False if there was none."""
        if not self.state.exists():
            return False
        self.stop()
        with identity.locked(self.state):
            for path in self.state.iterdir():
                # While the lock is there, no start can begin in what we remove.
                if path.name != "machine.lock":
                    remove_tree(path)
            remove_tree(self.state)
        return True

    def _take(self, port: int) -> socket.socket:
        """Bind the learner's port; 0 for any. Raise PortTaken."""
        return ports.listen(port)

    def _said(self) -> dict:
        path = self.state / "run" / "status.json"
        try:
            found = json.loads(path.read_text())
            return {**found, "phase": str(found["phase"])}
        except FileNotFoundError:
            return {
                "phase": "starting",
                "awaited": ["the machine"],
                "failed": None,
                "components": {},
            }
        except (OSError, ValueError, TypeError, KeyError):
            raise errors.StateError(
                path,
                "is damaged.",
                "`python -m helpers stop` and then `up` writes it anew; the objects "
                "are kept.",
            ) from None

    def _launch(
        self,
        binaries: Path,
        archive: Path | None,
        listener: socket.socket,
        lock: int,
    ) -> int:
        plan = self._plan(binaries, archive, listener, lock)
        plan_file = identity.plan_file(self.state)
        write_private(plan_file, json.dumps(dataclasses.asdict(plan)))
        ports.write_port(self.state, listener.getsockname()[1])
        report, theirs = os.pipe()
        try:
            with open(
                self.state / "logs" / "machine.log", "ab", opener=open_private
            ) as log:
                # Returns at once: the outer process makes itself nobody's child. How it
                # ends does not matter: a `stop` may have ended it.
                subprocess.run(
                    self._command(plan_file, theirs),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    # Nothing of the learner's: a pod with hostPID can read PID 1's.
                    env={"PATH": facts.PATH, "LANG": "C.UTF-8"},
                    pass_fds=(listener.fileno(), theirs, lock),
                    # Not in the kernel's process group: an interrupted cell must not
                    # reach the cluster.
                    start_new_session=True,
                    check=False,
                )
        except BaseException:
            os.close(report)
            raise
        finally:
            os.close(theirs)
        return report

    def _command(self, plan_file: Path, report: int) -> list[str]:
        return namespaces.command(plan_file, report)

    def _plan(
        self, binaries: Path, archive: Path | None, listener: socket.socket, lock: int
    ) -> init.Plan:
        return init.Plan(
            state=str(self.state),
            binaries=str(binaries.resolve()),
            python=str(Path(sys.executable).resolve()),
            python_home=sys.base_prefix,
            listener=listener.fileno(),
            images=str(archive.resolve().parent) if archive else None,
            archive=archive.resolve().name if archive else None,
            archive_key=archive.stem if archive else None,
        )

    def _await_world(self, report: int, progress: Progress) -> None:
        """Read what the machine reports until it closes the pipe."""
        deadline = time.monotonic() + init.BUDGET
        said = b""
        try:
            while time.monotonic() < deadline:
                progress.update(self._first)
                if not select.select([report], [], [], 0.1)[0]:
                    continue
                chunk = os.read(report, 65536)
                if not chunk:
                    break
                said += chunk
        finally:
            os.close(report)
        if said:
            raise refused(**json.loads(said))

    def _await_ready(self, progress: Progress) -> None:
        """Wait for PID 1's word. Ask in this order: ready, failed, dead, late."""
        # PID 1 keeps the budget. This one is for a PID 1 that does not move.
        deadline = time.monotonic() + init.BUDGET + 15
        while True:
            # Before its last words are read: they are final then.
            running = self.running()
            status = self._said()
            if status["phase"] == "ready" and running:
                return
            if status["phase"] in _ENDING:
                raise self._failure(status)
            if not running:
                raise errors.StartFailed(
                    "The machine ended while it was starting.\n"
                    + tail(self.state / "logs" / "machine.log"),
                    f"Its log is {self.state / 'logs' / 'machine.log'}.",
                )
            if time.monotonic() > deadline:
                problem = f"its PID 1, {self.pid()}, does not move."
                raise self._failure({**status, "phase": "failed", "problem": problem})
            awaited = ", ".join(status["awaited"]) or "the last checks"
            progress.update(f"waiting for {awaited}")
            time.sleep(0.05)

    def _failure(self, status: dict) -> errors.StartFailed:
        name = status["failed"]
        if name:
            log = self.state / "logs" / f"{name}.log"
            ended = status["components"][name]["last_exit"] or "unknown end"
            return errors.ComponentFailed(name, ended, last_words(log), log)
        if status["phase"] == "failed":
            return errors.StartFailed(
                f"The cluster did not come up: {status['problem']}",
                f"The logs are in {self.state / 'logs'}.",
            )
        return errors.StartFailed(
            "The cluster was stopped while it was starting.",
            "Start it again with `python -m helpers up`.",
        )
