"""Start components in order, restart what dies, stop in reverse.

No library of the field can be PID 1 of a namespace and has an order with readiness:
mirakuru lives as long as its caller; supervisor, circus and honcho know neither.
One thread looks after each component; the main thread reaps and nothing else.
"""

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from helpers.local.components import Component

#: seconds; the pause before a restart doubles from the first to the last
BACKOFF = (0.1, 5.0)
#: seconds after which a component counts as recovered and its back-off starts anew
SETTLED = 10.0
#: starts that a component gets before `up` gives up on it
FIRST_STARTS = 3
LISTENER = 3


@dataclass
class State:
    """What is known of one component; `since` in seconds of the epoch."""

    state: str = "waiting"
    pid: int | None = None
    restarts: int = 0
    last_exit: str | None = None
    since: float = field(default_factory=time.time)


class Supervisor:
    """Runs components until told to stop. `changed` is called after every change."""

    def __init__(
        self,
        components: tuple[Component, ...],
        ready: Callable[[Component], bool],
        *,
        logs: str,
        env: dict[str, str],
        listener: int | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare; nothing is started yet."""
        self.components = components
        self.states = {part.name: State() for part in components}
        self.failed: str | None = None
        self.stopping = threading.Event()
        self._ready = ready
        self._logs = logs
        self._env = env
        self._listener = listener
        self._changed = changed
        self._news = threading.Condition()
        self._exits: dict[int, int] = {}
        self._ours: set[int] = set()

    def start(self) -> None:
        """Give each component its thread."""
        for part in self.components:
            threading.Thread(target=self._look_after, args=(part,), daemon=True).start()

    def all_ready(self) -> bool:
        """Say whether everything runs, and every job is done."""
        return all(s.state in ("running", "done") for s in self.states.values())

    def awaited(self) -> list[str]:
        """Name what is not ready yet."""
        return [
            name
            for name, state in self.states.items()
            if state.state not in ("running", "done")
        ]

    def reap(self) -> None:
        """Wait for children for ever; call it in the main thread.

        As PID 1 we inherit what containerd's shims leave behind.
        """
        while True:
            try:
                pid, status = os.waitpid(-1, 0)
            except ChildProcessError:
                with self._news:
                    self._news.wait(0.2)
                continue
            with self._news:
                if pid in self._ours:
                    self._exits[pid] = os.waitstatus_to_exitcode(status)
                    self._news.notify_all()

    def stop(self) -> None:
        """End everything in order, each by SIGTERM and, after its grace, SIGKILL."""
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
        if not self._wait(lambda: self._met(part.needs)):
            return
        pause, starts, ever_ready = BACKOFF[0], 0, False
        while not self.stopping.is_set():
            starts += 1
            pid = self._spawn(part)
            if pid is None:
                return
            self._changed()
            began = time.monotonic()
            if self._until_ready(part, pid):
                ever_ready = True
                self._set(part, "running")
            if not self._wait(lambda p=pid: p in self._exits):
                return
            code = self._exits[pid]
            if part.once and code == 0:
                self._set(part, "done", pid=None)
                return
            self._set(part, "restarting", pid=None, last_exit=describe_exit(code))
            if not ever_ready and starts >= FIRST_STARTS:
                self.failed = part.name
                self._set(part, "failed")
                return
            if time.monotonic() - began > SETTLED:
                pause = BACKOFF[0]
            self.stopping.wait(pause)
            pause = min(2 * pause, BACKOFF[1])
            self.states[part.name].restarts += 1

    def _met(self, needs: tuple[str, ...]) -> bool:
        return all(self.states[name].state in ("running", "done") for name in needs)

    def _until_ready(self, part: Component, pid: int) -> bool:
        """Ask: dead? ready? The whole start has one budget, kept by its caller."""
        while not self.stopping.is_set():
            if pid in self._exits:
                return False
            if part.once:
                return False
            if self._ready(part):
                return True
            with self._news:
                self._news.wait_for(lambda: pid in self._exits, timeout=0.05)
        return False

    def _wait(self, condition: Callable[[], bool]) -> bool:
        """Wait for `condition`; return False when stopping comes first."""
        with self._news:
            self._news.wait_for(lambda: self.stopping.is_set() or condition())
        return not self.stopping.is_set()

    def _set(self, part: Component, state: str, **fields) -> None:
        with self._news:
            entry = self.states[part.name]
            entry.state, entry.since = state, time.time()
            for name, value in fields.items():
                setattr(entry, name, value)
            self._news.notify_all()
        self._changed()

    def _spawn(self, part: Component) -> int | None:
        log = f"{self._logs}/{part.name}.log"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, flags, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        if part.pass_listener and self._listener is not None:
            actions.append((os.POSIX_SPAWN_DUP2, self._listener, LISTENER))
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
                setsigdef=(signal.SIGTERM, signal.SIGINT, signal.SIGPIPE),
            )
            self._ours.add(pid)
            entry = self.states[part.name]
            entry.state, entry.pid, entry.since = "starting", pid, time.time()
        return pid

    def _stop_one(self, part: Component) -> None:
        state = self.states[part.name]
        with self._news:
            self._news.wait_for(lambda: self._ended(part.stop_after), timeout=5)
        pid = state.pid
        for number, patience in ((signal.SIGTERM, part.grace), (signal.SIGKILL, 1.0)):
            if pid is None or pid in self._exits:
                break
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                break
            with self._news:
                self._news.wait_for(lambda: pid in self._exits, timeout=patience)
        self._set(part, "stopped", pid=None)

    def _ended(self, names: tuple[str, ...]) -> bool:
        known = [self.states[name] for name in names if name in self.states]
        return all(state.state == "stopped" for state in known)


def describe_exit(code: int) -> str:
    """Say in words how a process ended (negative: by a signal)."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
