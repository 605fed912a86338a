"""Start, find and stop the machine of a cluster, from the host's side."""

import dataclasses
import functools
import json
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cluster import errors, paths, statedir
from cluster.backend import waiting_text
from cluster.language import mark, say
from cluster.machine import (
    apparmor,
    cgroups,
    identity,
    layout,
    ports,
    status_file,
    storage,
)
from cluster.machine.logs import last_words, tail
from cluster.processes import python_command
from cluster.progress import Progress
from cluster.statedir import open_private, read_shared, write_private
from cluster.waiting import poll

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

#: seconds that the API server may take to answer once the cluster was ready
ANSWER_WITHIN = 10.0
#: seconds between two looks at a machine that starts, or ends
PAUSE = 0.05
#: the phase if PID 1 reports `ready` and the API server does not respond
NOT_ANSWERING = "not answering"
#: the phase if the API server responds, and a component is being started again
DEGRADED = "degraded"

#: a file that `stop` writes; in a directory that each start makes anew
_STOPPED = "run/stopped"
_ENDING = ("failed", "stopping", "stopped")


@dataclass(frozen=True)
class Launch:
    """The arguments of a start, which `Machine` hands to `Program.plan`."""

    #: the directory of the cluster's state, prepared and locked by now
    state: Path
    #: the directory of the programs
    binaries: Path
    #: archive of images, or disk of a node in user-mode Linux; None without either
    archive: Path | None
    #: has the learner's port; the machine inherits its descriptor
    listener: socket.socket
    #: the descriptor that means "runs"; the machine inherits it
    lock: int


@dataclass(frozen=True)
class Program:
    """The program of a machine.

    `Machine.while_starting` calls, in this order: `take`; `plan`; `main`, in a new
    process; `refused`, if that process reports a step.
    """

    #: the full name of a function, called with the plan's file and a descriptor for its
    #: report, which it closes when the components are about to start
    main: str
    #: returns the plan of one start, which is written as JSON; may prepare its files
    plan: "Callable[[Launch], DataclassInstance]"
    #: progress before the first component
    first: str
    #: the process that starts components; "outer" where no namespace has a PID 1
    leader: str = "pid_1"
    #: gets the learner's port, 0 for any; raises PortTaken
    take: Callable[[int], socket.socket] = ports.listen
    #: inherited, beside the port and the lock
    descriptors: tuple[int, ...] = ()
    #: makes the error for a step and the reason that the machine reports
    refused: Callable[[str, str], errors.LabError] = errors.LabError


@dataclass(frozen=True)
class Machine:
    """The machine whose state is in the directory `state`."""

    state: Path
    program: Program

    def running(self) -> bool:
        """Return whether a process of the cluster is alive."""
        return identity.is_running(self.state)

    def status(self) -> dict | None:
        """Return the status, or None if the machine does not run; raise StateError.

        The leader's last status, with keys of `backend.STATUS`. If that is "ready" the
        API server is asked, for at most `probes.TIMEOUT` seconds: the phase can be
        "degraded" or "not answering" then.
        """
        if not self.running():
            return None
        status = self.last_status()
        if status["phase"] == "ready":
            if not self.answers():
                status["phase"] = NOT_ANSWERING
            elif status["awaited"]:
                status["phase"] = DEGRADED
        return status

    def why_it_ended(self) -> str | None:
        """Return why the cluster ended without `stop`, or None if that is not known."""
        if self.running() or (self.state / _STOPPED).exists():
            return None
        with suppress(errors.StateError):
            if last := identity.last_run(self.state):
                from cluster.machine.ending import end_reason

                phase = self.last_status()["phase"]
                return end_reason(last, phase, identity.boot())
        return None

    def is_stopping(self) -> bool:
        """Return whether the machine runs, but ends: stopped, or its start failed."""
        if not self.running():
            return False
        try:
            return self.last_status()["phase"] in _ENDING
        except errors.StateError:
            return False

    def answers(self) -> bool:
        """Return whether the API server calls itself ready, asked from the host."""
        from cluster.machine import probes  # loads http.client, for a cluster that runs

        authority = self.state / "pki" / "ca.crt"
        with suppress(OSError):
            return probes.readyz(ports.port_of(self.state), authority)
        return False

    def pid(self) -> int | None:
        """Return the leader's pid on the host, or None if the leader is gone."""
        return identity.pid_of(self.state, self.program.leader)

    def start(
        self, binaries: Path, archive: Path | None, port: int, progress: Progress
    ) -> None:
        """Start the machine and wait until the cluster is ready.

        `port` 0 takes any free one. Raise LabError for a step that the kernel refuses,
        PortTaken, StateError, NotEnough, ComponentFailed or StartFailed; nothing is
        left running then.
        """
        with self.while_starting(binaries, archive, port, progress):
            self._await_start(progress)

    @contextmanager
    def while_starting(
        self, binaries: Path, archive: Path | None, port: int, progress: Progress
    ) -> Iterator[None]:
        """Start the machine and run a block that waits; stop it if the block fails."""
        started = False
        try:
            with (
                identity.hold_lock(self.state) as lock,
                self.program.take(port) as listener,
            ):
                storage.prepare(self.state)
                started = True
                report = self._launch(
                    Launch(self.state, binaries, archive, listener, lock)
                )
            self._await_report(report, progress)
            yield
        except BaseException:
            # Also KeyboardInterrupt: a half cluster is worse than none.
            if started:
                self.stop()
            raise

    def await_ready(self, progress: Progress) -> None:
        """Wait for a start of another process; raise LabError if it does not answer."""
        self._await_start(progress)
        began = time.monotonic()
        words = say("waiting for {what}", what=say("the API server's answer"))
        tell = functools.partial(progress.update, words)
        if not poll(self.answers, ANSWER_WITHIN, on_miss=tell, pause=PAUSE):
            waited = time.monotonic() - began
            raise errors.LabError(
                say(
                    "The cluster runs, and its API server gave no answer in "
                    "{waited:.0f} s.",
                    waited=waited,
                ),
                say(
                    "See `.venv/bin/kapi logs kube-apiserver`; `.venv/bin/kapi stop` "
                    "and then `up` start it anew with the same objects."
                ),
            )

    def stop(self, *, grace: float = 8.0) -> bool:
        """Stop the machine, after `grace` seconds by SIGKILL; False if none ran."""
        if not self.running():
            return False
        with suppress(OSError):  # no room, or it is being removed
            (self.state / _STOPPED).touch()
        for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, 15.0)):
            # Again and again: a start that is a few milliseconds old has not written
            # its pid yet, and a PID 1 without a handler hears nothing.
            send = functools.partial(identity.send, self.state, number)
            send()
            if poll(lambda: not self.running(), seconds, on_miss=send, pause=0.02):
                self._remove_cgroups()
                return True
        hint = mark("Look at process {pid}; it may wait for a file system.")
        raise errors.StateError(
            self.state,
            say("the machine does not end, even by SIGKILL."),
            say(hint, pid=self.pid()),
        )

    def _remove_cgroups(self) -> None:
        """Remove the cgroups that SIGKILL has left, unless another machine runs."""
        if not cgroups.has_cgroup(self.state):
            return
        with suppress(errors.StartFailed), identity.hold_lock(self.state):
            cgroups.remove(self.state)

    def delete(self) -> None:
        """Stop the machine and remove the directory; call it with the start lock."""
        self.stop()
        with identity.hold_lock(self.state):
            cgroups.remove(self.state)
            for path in self.state.iterdir():
                # While the lock is there, no start can begin in what we remove.
                if path.name not in (*statedir.MARKS, paths.PROGRESS):
                    storage.remove_tree(path)
            storage.remove_state(self.state)

    def last_status(self) -> dict:
        """Return the leader's last status; raise StateError if the file is damaged."""
        path = self.state / "run" / "status.json"
        try:
            return status_file.parse(read_shared(path, status_file.LIMIT))
        except FileNotFoundError:
            return {
                "phase": "starting",
                "awaited": [mark("the machine")],
                "failed": None,
                "components": {},
            }
        except (OSError, ValueError, RecursionError):
            hint = mark(
                "`.venv/bin/kapi stop` and then `up` writes it anew; the objects are "
                "kept."
            )
            raise errors.StateError(path, say("is damaged."), say(hint)) from None

    def _launch(self, launch: Launch) -> int:
        plan_file = identity.plan_file(self.state)
        plan = dataclasses.asdict(self.program.plan(launch))
        write_private(plan_file, json.dumps(plan))
        # The next start and old kubeconfigs use the same port.
        write_private(self.state / "port", str(launch.listener.getsockname()[1]))
        report, theirs = os.pipe()
        try:
            # Made, not opened: pods may write in there.
            path = self.state / "logs" / "machine.log"
            with open(path, "xb", opener=open_private) as log:
                # Returns at once: the outer process makes itself nobody's child. Its
                # exit code does not matter: a `stop` may have ended it.
                subprocess.run(
                    python_command(self.program.main, str(plan_file), str(theirs)),
                    executable=apparmor.interpreter(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    # Nothing of the learner's: a pod with hostPID can read PID 1's.
                    env={"PATH": layout.PATH, "LANG": "C.UTF-8"},
                    pass_fds=(
                        launch.listener.fileno(),
                        theirs,
                        launch.lock,
                        *self.program.descriptors,
                    ),
                    # An interrupted cell must not reach the cluster.
                    start_new_session=True,
                    check=False,
                )
        except BaseException:
            os.close(report)
            raise
        finally:
            os.close(theirs)
        return report

    def _await_report(self, report: int, progress: Progress) -> None:
        """Read the machine's report until it closes the pipe."""
        # Late, because only a start needs it and what runs the components.
        from cluster.machine.lifecycle import START_TIMEOUT

        deadline = time.monotonic() + START_TIMEOUT
        report_text = b""
        try:
            while time.monotonic() < deadline:
                progress.update(say(self.program.first))
                if not select.select([report], [], [], 0.1)[0]:
                    continue
                chunk = os.read(report, 65536)
                if not chunk:
                    break
                report_text += chunk
        finally:
            os.close(report)
        if report_text:
            refusal = json.loads(report_text)
            raise self.program.refused(refusal["step"], refusal["reason"])

    def _await_start(self, progress: Progress) -> None:
        from cluster.machine.lifecycle import START_TIMEOUT

        # The leader keeps the budget; this is for a leader that does not move.
        came = poll(
            lambda: not self._still_starting(progress),
            START_TIMEOUT + 15,
            pause=PAUSE,
        )
        if not came:
            text = mark("its leader, process {pid}, does not move.")
            problem = say(text, pid=self.pid())
            stuck = {**self.last_status(), "phase": "failed", "problem": problem}
            raise self._failure(stuck)

    def _still_starting(self, progress: Progress) -> bool:
        """Return whether the leader still starts; raise what `require_alive` does."""
        status = self.require_alive()
        if status["phase"] == "ready":
            return False
        progress.update(waiting_text(status["awaited"], status.get("steps")))
        return True

    def require_alive(self) -> dict:
        """Return its last status; raise why it failed, ended or was stopped."""
        # Asked first, so that the last status is final.
        running = self.running()
        status = self.last_status()
        if status["phase"] in _ENDING:
            raise self._failure(status)
        if not running:
            log = self.state / "logs" / "machine.log"
            ended = say("The machine ended while it was starting.")
            hint = say("Its log is {log}.", log=log)
            raise errors.StartFailed(f"{ended}\n{tail(log)}", hint)
        return status

    def _failure(self, status: dict) -> errors.StartFailed:
        name = status["failed"]
        if name:
            log = self.state / "logs" / f"{name}.log"
            ended = status["components"][name]["last_exit"] or say("unknown end")
            return errors.ComponentFailed(name, ended, last_words(log), log)
        if status["phase"] == "failed":
            return errors.StartFailed(
                say("The cluster did not come up: {problem}", **status),
                say("The logs are in {place}.", place=self.state / "logs"),
            )
        return errors.StartFailed(
            say("The cluster was stopped while it was starting."),
            say("Start it again with `.venv/bin/kapi up`."),
        )
