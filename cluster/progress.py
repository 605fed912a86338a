"""Show the progress of long work: which step, how long so far, what it waits for."""

import shutil
import sys
import time
from typing import Protocol, TextIO


class Progress(Protocol):
    """What long work needs of a view."""

    def update(self, message: str) -> None:
        """Show the present step; call again with the same text while the step lasts."""

    def finish(self, message: str) -> None:
        """Show the result and leave that line on the screen."""


class Silent:
    """Show nothing: for tests and for callers that print their own line."""

    def update(self, message: str) -> None:
        """Do nothing."""

    def finish(self, message: str) -> None:
        """Do nothing."""


class Terminal:
    """One live line on a terminal; in a log, a line per step and every 15 s."""

    #: seconds between two lines of an unchanged step where lines are kept
    HEARTBEAT = 15.0

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._began = time.monotonic()
        self._message = ""
        self._shown = float("-inf")
        self._width = 0

    def update(self, message: str) -> None:
        """Show `message` with the seconds since the work began."""
        now = time.monotonic()
        wait = 0.1 if self._live else self.HEARTBEAT
        if message == self._message and now - self._shown < wait:
            return
        self._message, self._shown = message, now
        self._write(f"[{now - self._began:5.1f} s] {message}", keep=not self._live)

    def finish(self, message: str) -> None:
        """Show `message` for good."""
        seconds = time.monotonic() - self._began
        self._write(f"[{seconds:5.1f} s] {message}", keep=True)
        self._message = ""

    def leave(self) -> None:
        """End a live line, so that the next output starts on a line of its own."""
        if self._width:
            self._stream.write("\n")
            self._width = 0

    def _write(self, line: str, *, keep: bool) -> None:
        if self._live:
            # A line that wraps cannot be written over.
            columns = shutil.get_terminal_size().columns
            if len(line) >= columns:
                line = line[: columns - 2] + "…"
            self._stream.write(f"\r{line:<{self._width}}" + ("\n" if keep else ""))
            self._width = 0 if keep else len(line)
        else:
            self._stream.write(line + "\n")
        self._stream.flush()


class Notebook:
    """One live line in a notebook's output, replaced as work goes on."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._handle = None
        self._shown = float("-inf")
        self._message = ""

    def update(self, message: str) -> None:
        """Show `message` with the seconds since the work began."""
        now = time.monotonic()
        if message == self._message and now - self._shown < 1.0:
            return
        self._message, self._shown = message, now
        self._show(f"{message} ({now - self._began:.0f} s)")

    def finish(self, message: str) -> None:
        """Show `message` for good."""
        self._show(message)
        self._handle = None

    def _show(self, line: str) -> None:
        from IPython.display import display

        # `raw` with text/plain only: no HTML, so GitHub and print show the same.
        bundle = {"text/plain": line}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)


def for_here() -> Progress:
    """Return the view that fits: a notebook's in a kernel, else the terminal's."""
    # Only if it is there: importing IPython to ask for it would take half a second.
    interactive = sys.modules.get("IPython")
    shell = interactive and interactive.get_ipython()
    return Notebook() if hasattr(shell, "kernel") else Terminal()
