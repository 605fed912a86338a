"""Do several jobs at a time, each in a process of its own, with a line of progress."""

import multiprocessing
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection, wait
from typing import Any, TextIO, cast

from cluster.progress import Silent

#: By fork, as each would import the same for seconds; not of this process, which may
#: have threads.
_PROCESSES = multiprocessing.get_context("forkserver")


class Lines:
    """A live line for each running job; in a log, a line where one begins and ends."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Write to `stream`, by default stderr, so that stdout stays data."""
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._began = time.monotonic()
        self._running: dict[str, str] = {}

    def update(self, name: str, message: str) -> None:
        """Show how far a job is."""
        drawn = len(self._running)
        began = name not in self._running
        self._running[name] = f"[{self._seconds()}] {message}"
        if self._live:
            self._draw(drawn)
        elif began:
            self._write(f"{self._running[name]}\n")

    def finish(self, name: str, message: str) -> None:
        """Show how a job ended, and leave that line there."""
        drawn = len(self._running)
        self._running.pop(name, None)
        kept = f"[{self._seconds()}] {name}: {message}\n"
        if self._live:
            self._draw(drawn, kept)
        else:
            self._write(kept)

    def _seconds(self) -> str:
        return f"{time.monotonic() - self._began:5.1f} s"

    def _draw(self, drawn: int, kept: str = "") -> None:
        """Write over the lines that were drawn last."""
        # A line that wraps cannot be written over.
        columns = shutil.get_terminal_size().columns - 1
        lines = [f"{line[:columns]}\n" for line in self._running.values()]
        back = f"\x1b[{drawn}F" if drawn else ""
        self._write(f"{back}\x1b[J{kept}{''.join(lines)}")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


class _Sender(Silent):
    """Sends what is going on to the process that shows it."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def update(self, message: str) -> None:
        self._pipe.send((False, message))


def run(
    function: Callable[..., Any],
    jobs: Mapping[str, tuple],
    most: int,
    lines: Lines,
    module: str = "",
) -> dict[str, Any]:
    """Call `function(*arguments, progress)` for each job, `most` at a time, in order.

    Return the results by name; None for a job whose process died. They end with this
    process. What `module` imports is imported once for all of them.
    """
    _PROCESSES.set_forkserver_preload([module] if module else [])
    waiting = list(jobs.items())
    running: dict[Connection, str] = {}
    results: dict[str, Any] = {}
    while waiting or running:
        while waiting and len(running) < most:
            name, arguments = waiting.pop(0)
            here, there = _PROCESSES.Pipe(duplex=False)
            _PROCESSES.Process(
                target=_work, args=(there, function, arguments), daemon=True
            ).start()
            # The only other end is the child's, so that its death is seen.
            there.close()
            running[here] = name
        for ready in wait(running):
            here = cast(Connection, ready)
            name = running[here]
            try:
                ended, value = here.recv()
            except (EOFError, OSError):
                ended, value = True, None
            if ended:
                results[name] = value
                lines.finish(name, "its process died" if value is None else f"{value}")
                here.close()
                del running[here]
            else:
                lines.update(name, value)
    return results


def _work(
    pipe: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    # Ctrl-C is for the process that shows them: it ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pipe.send((True, function(*arguments, _Sender(pipe))))
