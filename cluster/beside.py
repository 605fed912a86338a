"""Do one thing in a thread while another goes on; one line of progress for both."""

import contextlib
import threading
from collections.abc import Callable
from typing import Self

from cluster.processes import TICK
from cluster.progress import Progress


class Beside:
    """A view of the one, which can begin the other; a context manager.

    Its end waits for the other; an error or Ctrl-C ends that at its next word of
    progress. What goes wrong with the other is not told: it is a head start, and who
    needs what it makes asks for that again.
    """

    def __init__(self, view: Progress) -> None:
        """Show both in `view`, whenever the one says something."""
        self._view = view
        self._other = _Other()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Begin nothing yet."""
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """Wait until the other has ended."""
        self._other.stopped = kind is not None
        try:
            while self._thread and self._thread.is_alive():
                if not self._other.stopped:
                    self.update("")
                self._thread.join(TICK)
            self.update("")
        finally:
            self._other.stopped = True

    def begin(self, work: Callable[[Progress], object]) -> None:
        """Call `work` with its view in a thread, if this is the first call."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, args=(work,))
            self._thread.start()

    def update(self, message: str) -> None:
        """Say what the one does."""
        while self._other.kept:
            self._view.finish(self._other.kept.pop(0))
        if line := "; ".join(filter(None, (message, self._other.message))):
            self._view.update(line)

    def finish(self, message: str) -> None:
        """Leave a line of the one on the screen."""
        self._view.finish(message)

    def _run(self, work: Callable[[Progress], object]) -> None:
        with contextlib.suppress(Exception):
            work(self._other)
        self._other.message = ""


class _Stopped(Exception):
    """Ends the other. No OSError, which it may expect."""


class _Other:
    """What the other says; only the thread of the one writes to a screen."""

    def __init__(self) -> None:
        self.message = ""
        self.kept: list[str] = []
        self.stopped = False

    def update(self, message: str) -> None:
        if self.stopped:
            raise _Stopped
        self.message = message

    def finish(self, message: str) -> None:
        self.kept.append(message)
