"""Start components in order, restart those that die, stop in reverse.

mirakuru, supervisor, circus and honcho have no order with readiness; s6-rc, dinit and
process-compose would be one more program to get. Each component has a thread.
"""

import contextlib
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from cluster.machine import logs
from cluster.machine.components import Component

#: seconds; the pause before a restart doubles from the first to the last
BACKOFF = (0.1, 5.0)
#: seconds after which a component counts as recovered and its back-off starts anew
SETTLED = 10.0
#: starts that a component gets before `up` gives up on it
FIRST_STARTS = 3
#: seconds between two questions whether a component is ready
POLL = 0.05
#: seconds that one component waits at the end for those that must go before it
STOP_AFTER_TIMEOUT = 5.0


@dataclass
class ComponentState:
    """The state of one component, as `status --json` shows it."""

    #: waiting, starting, running, restarting, done (a job), failed or stopped
    state: str = "waiting"
    #: inside the machine, whose processes have numbers of their own; None if none runs
    pid: int | None = None
    #: since the start of the cluster
    restarts: int = 0
    #: as `describe_exit` says it; None if it has not ended yet
    last_exit: str | None = None
    #: seconds of the epoch: since when it is in this state
    since: float = field(default_factory=time.time)


class Supervisor:
    """Runs components until told to stop. `changed` is called after every change.

    `ready` asks a component and does not raise. `failed` names a component that could
    not start.
    """

    def __init__(
        self,
        components: tuple[Component, ...],
        ready: Callable[[Component], bool],
        *,
        logs: str,
        env: dict[str, str],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare; nothing is started yet."""
        self.components = components
        self.states = {part.name: ComponentState() for part in components}
        self.failed: str | None = None
        self.stopping = threading.Event()
        self.changed = changed
        self._ready = ready
        self._logs = logs
        self._env = env
        self._news = threading.Condition()
        #: children of ours that are alive or not yet reaped
        self._children: set[int] = set()
        #: exit codes that nobody has asked for yet; a pid may come again later
        self._exits: dict[int, int] = {}

    def start(self) -> None:
        """Give each component its thread."""
        for part in self.components:
            threading.Thread(target=self._look_after, args=(part,), daemon=True).start()
        threading.Thread(target=self._keep_logs_small, daemon=True).start()

    def all_ready(self) -> bool:
        """Return whether everything runs, and every job is done."""
        return not self.awaited()

    def awaited(self) -> list[str]:
        """Return the names of components that are not ready yet."""
        return [name for name in self.needed if not self._met((name,))]

    @property
    def needed(self) -> list[str]:
        """Return the names of components that a start waits for."""
        return [part.name for part in self.components if not part.background]

    def reap(self) -> None:
        """Wait for ever, for children and for those that PID 1 inherits of shims.

        Call it in the main thread, which does nothing else.
        """
        while True:
            try:
                child = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
            except ChildProcessError:
                with self._news:
                    self._news.wait(0.2)
                continue
            assert child, "waitid returns None only with WNOHANG"
            with self._news:
                self._reap_child(child.si_pid)

    def _reap_child(self, pid: int) -> None:
        if pid in self._children:
            # Children that it left would hold its port or its files. It is still a
            # zombie, so the group's number can be no one else's.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        try:
            _, status = os.waitpid(pid, 0)
        except ChildProcessError:
            return  # posix_spawn could not execute it, and has reaped it already
        if pid in self._children:
            self._children.remove(pid)
            self._exits[pid] = os.waitstatus_to_exitcode(status)
            self._news.notify_all()

    def stop(self) -> None:
        """End everything in order; may be called before `start` and more than once."""
        with self._news:
            self.stopping.set()
            self._news.notify_all()
        threads = [
            threading.Thread(target=self._stop_one, args=(part,))
            for part in self.components
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _look_after(self, part: Component) -> None:
        try:
            self._supervise(part)
        except Exception:
            # A bug of ours. Without this the start would wait for the whole budget.
            report_bug()
            self.failed = self.failed or part.name
            self._set(part, "failed", last_exit="a bug in the supervisor")
        finally:
            # A component that must not outlive us ends with the thread that started it:
            # this gives it its grace.
            with self._news:
                entry = self.states[part.name]
                self._news.wait_for(lambda: entry.pid not in self._children)

    def _supervise(self, part: Component) -> None:
        if not self._wait(lambda: self._met(part.needs)):
            return
        gate = replace(part, ready=part.after)
        while part.after and not self._ready(gate):
            if self.stopping.wait(POLL):
                return
        pause, starts, ever_ready = BACKOFF[0], 0, False
        while not self.stopping.is_set():
            starts += 1
            began = time.monotonic()
            ready, ended = self._run_once(part)
            if self.stopping.is_set():
                return
            if ended is None:
                self._set(part, "done", pid=None)
                return
            ever_ready = ever_ready or ready
            if not ever_ready and starts >= FIRST_STARTS:
                if not part.background:
                    self.failed = self.failed or part.name
                self._set(part, "failed", pid=None, last_exit=ended)
                return
            self._set(part, "restarting", pid=None, last_exit=ended)
            if time.monotonic() - began > SETTLED:
                pause = BACKOFF[0]
            if self.stopping.wait(pause):
                return
            pause = min(2 * pause, BACKOFF[1])
            self.states[part.name].restarts += 1

    def _run_once(self, part: Component) -> tuple[bool, str | None]:
        """Run a component once; return whether it was ready, and how it ended."""
        try:
            pid = self._spawn(part)
        except OSError as error:
            return False, f"{part.argv[0]}: {error.strerror}"
        if pid is None:
            return False, None
        self.changed()
        ready = self._until_ready(part, pid)
        if ready:
            self._set(part, "running")
        if not self._wait(lambda: pid in self._exits):
            return ready, None
        code = self._exits.pop(pid)
        return ready, None if part.once and code == 0 else describe_exit(code)

    def _met(self, needs: tuple[str, ...]) -> bool:
        return all(self.states[name].state in ("running", "done") for name in needs)

    def _until_ready(self, part: Component, pid: int) -> bool:
        """Poll until the process is dead or ready; the caller keeps the time."""
        while not self.stopping.is_set() and not part.once:
            if pid in self._exits:
                return False
            if self._ready(part):
                return True
            with self._news:
                self._news.wait_for(lambda: pid in self._exits, timeout=POLL)
        return False

    def _wait(self, condition: Callable[[], bool]) -> bool:
        """Wait for `condition`; return False when stopping comes first."""
        with self._news:
            self._news.wait_for(lambda: self.stopping.is_set() or condition())
        return not self.stopping.is_set()

    def _set(self, part: Component, state: str, **fields: object) -> None:
        with self._news:
            if self.stopping.is_set() and state != "stopped":
                return  # too late: others wait for this one's "stopped"
            entry = self.states[part.name]
            entry.state, entry.since = state, time.time()
            for name, value in fields.items():
                setattr(entry, name, value)
            self._news.notify_all()
        self.changed()

    def _spawn(self, part: Component) -> int | None:
        """Start the process; return None when stopping came first."""
        # Not blocking: a pod may have put a pipe that nobody reads in the log's place.
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, self._log(part), flags, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        # Under the lock: the reaper must not see a pid before we know it, and `stop`
        # must not miss one.
        with self._news:
            if self.stopping.is_set():
                return None
            pid = os.posix_spawn(
                part.argv[0],
                part.argv,
                {**self._env, **part.env},
                file_actions=actions,
                # Signals for the group of one component must not reach another.
                setsid=True,
                setsigmask=(),
                # The child would ignore what Python or PID 1 ignores.
                setsigdef=(
                    signal.SIGTERM,
                    signal.SIGINT,
                    signal.SIGHUP,
                    signal.SIGPIPE,
                    signal.SIGXFSZ,
                ),
            )
            self._children.add(pid)
            entry = self.states[part.name]
            entry.state, entry.pid, entry.since = "starting", pid, time.time()
        return pid

    def _stop_one(self, part: Component) -> None:
        with self._news:
            self._news.wait_for(
                lambda: self._have_ended(part.stop_after), timeout=STOP_AFTER_TIMEOUT
            )
            pid = self.states[part.name].pid
            for number, seconds in (
                (signal.SIGTERM, part.grace),
                (signal.SIGKILL, 1.0),
            ):
                if pid not in self._children:
                    break
                # Alive or a zombie as long as we hold the lock: not another's pid.
                kill = os.kill if number == signal.SIGTERM else os.killpg
                with contextlib.suppress(ProcessLookupError):
                    kill(pid, number)
                self._news.wait_for(lambda: pid not in self._children, timeout=seconds)
        self._set(part, "stopped", pid=None)

    def _have_ended(self, names: tuple[str, ...]) -> bool:
        states = [self.states[name] for name in names if name in self.states]
        return all(state.state == "stopped" for state in states)

    def _keep_logs_small(self) -> None:
        while not self.stopping.wait(logs.INTERVAL):
            for part in self.components:
                logs.shrink(self._log(part), logs.LIMIT, logs.KEPT)

    def _log(self, part: Component) -> str:
        return f"{self._logs}/{part.name}.log"


def report_bug() -> None:
    """Print the current exception, also where stderr is on a full disk."""
    with contextlib.suppress(OSError):
        traceback.print_exc()


def describe_exit(code: int) -> str:
    """Say in words how a process ended (negative: by a signal)."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
