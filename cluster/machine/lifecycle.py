"""Run a cluster from its first component to its end, and write its status.

The phases: starting, ready, stopping, stopped, failed.
"""

import contextlib
import dataclasses
import functools
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from cluster.machine.supervisor import Supervisor, report_bug
from cluster.statedir import write_private
from cluster.waiting import poll

#: seconds that a whole start may take before it is given up
START_TIMEOUT = 300.0
#: seconds between two questions whether a task is done
PAUSE = 0.05
#: bytes that the status takes on the disk, however short it is: see `_write`
ROOM = 8192


@dataclasses.dataclass(frozen=True)
class Task:
    """Work to be done once, before the cluster is ready."""

    #: shown while the start waits for it
    label: str
    #: returns True or None when it is done, else False or a reason; raises OSError to
    #: be called again
    act: Callable[[], bool | str | None]
    #: waits until all components are ready
    after_all: bool = False


class Lifecycle:
    """A run of a cluster in this process; `facts` are entries of its file `status`.

    `finish` is called when all is ready, `clean_up` when the components have ended.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        tasks: tuple[Task, ...],
        *,
        status: Path,
        facts: Mapping[str, object],
        budget: float = START_TIMEOUT,
        finish: Callable[[], None] = lambda: None,
        clean_up: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare; nothing is started yet."""
        self._supervisor = supervisor
        self._tasks = tasks
        self._done: set[str] = set()
        self._status = status
        self._budget = budget
        self._facts = facts
        self._finish = finish
        self._clean_up = clean_up
        self._phase = "starting"
        self._moving = threading.Lock()
        self._began = time.time()
        self._ready_at: float | None = None
        self._problem: str | None = None
        self._writing = threading.Lock()
        supervisor.changed = self._publish

    def run(self) -> int:
        """Start everything and reap for ever: SIGTERM ends this process."""
        on_end_signal(self._stop)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self._publish()
        self._supervisor.start()
        threading.Thread(target=self._bring_up, daemon=True).start()
        self._supervisor.reap()
        return 0

    def _move(self, phase: str, *, only_from: tuple[str, ...]) -> bool:
        """Go to `phase`; return False where another thread was quicker."""
        with self._moving:
            if self._phase not in only_from:
                return False
            self._phase = phase
        self._publish()
        return True

    def _stop(self) -> None:
        if self._move("stopping", only_from=("starting", "ready")):
            self._end("stopped")

    def _fail(self, problem: str) -> None:
        # The caller of the start may be dead: the last status and the logs are left.
        self._problem = problem
        if self._move("failed", only_from=("starting",)):
            self._end("failed")

    def _end(self, phase: str) -> None:
        self._supervisor.stop()
        self._clean_up()
        self._phase = phase
        self._publish()
        os._exit(0)

    def _bring_up(self) -> None:
        deadline = time.monotonic() + self._budget
        try:
            for task in self._tasks:
                if task.after_all:
                    self._until(self._supervisor.all_ready, deadline)
                self._until(functools.partial(self._act, task), deadline)
                self._done.add(task.label)
                self._publish()
            self._until(self._supervisor.all_ready, deadline)
            self._finish()
        except _GivenUp:
            seen = f" ({self._problem})" if self._problem else ""
            waiting = ", ".join(self._awaited())
            self._fail(
                f"after {self._budget:.0f} s it still waits for {waiting}{seen}."
            )
        except Exception as error:
            # A bug of ours, or a full disk.
            report_bug()
            self._fail(f"{type(error).__name__}: {error}.")
        else:
            self._ready_at = time.time()
            self._move("ready", only_from=("starting",))

    def _act(self, task: Task) -> bool:
        answer = task.act()
        if isinstance(answer, bool):
            return answer
        self._problem = answer
        return answer is None

    def _until(self, condition: Callable[[], bool], deadline: float) -> None:
        """Wait for `condition`. Ask in this order: failed, ready, late."""

        def ready() -> bool:
            if self._supervisor.failed or self._phase != "starting":
                raise _GivenUp
            try:
                return condition()
            except OSError:
                return False  # not answering yet, or cut off in the middle of an answer

        if not poll(ready, deadline - time.monotonic(), pause=PAUSE):
            raise _GivenUp

    def _publish(self) -> None:
        with self._writing:
            document = {
                "phase": self._phase,
                "began": self._began,
                "ready_at": self._ready_at,
                "failed": self._supervisor.failed,
                "awaited": self._awaited(),
                "steps": len(self._supervisor.needed) + len(self._tasks),
                "problem": self._problem,
                **self._facts,
                "components": {
                    name: dataclasses.asdict(state)
                    for name, state in self._supervisor.states.items()
                },
            }
            self._write(json.dumps(document).ljust(ROOM))

    def _write(self, text: str) -> None:
        # A thread that raised here would end, and its component with it for ever.
        with contextlib.suppress(OSError):
            try:
                write_private(self._status, text)
            except OSError:
                # No room for a new file: the old one has all the blocks it needs.
                with open(self._status, "r+b") as file:
                    file.write(text.encode())

    def _awaited(self) -> list[str]:
        tasks = [task.label for task in self._tasks if task.label not in self._done]
        return self._supervisor.awaited() + tasks


def on_end_signal(act: Callable[[], None]) -> None:
    """Call `act` in a thread of its own after the first SIGTERM or SIGINT.

    Python would run a handler only when the main thread, which waits for children, goes
    on; the byte to the descriptor is written at once.
    """
    read_end, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        # Without a handler the kernel drops signals to a PID 1.
        signal.signal(number, lambda *_: None)

    def wait() -> None:
        os.read(read_end, 1)
        act()

    threading.Thread(target=wait, daemon=True).start()


class _GivenUp(Exception):
    """The start failed, is too late, or was told to stop."""
