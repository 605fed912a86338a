"""Show the progress of long work: which step, how long so far, what it waits for.

Work calls `update` from its own waiting loop, as often as it likes; the view decides
what to show. There are no threads.
"""

import contextlib
import shutil
import sys
import time
from collections.abc import Iterator
from typing import Protocol, TextIO
from unicodedata import east_asian_width

from cluster.language import say


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes: Hangul takes two."""
    return sum(1 + (east_asian_width(letter) in "WF") for letter in text)


class Progress(Protocol):
    """A view of long work."""

    def update(self, message: str, detail: str = "") -> None:
        """Show the present step; call again with the same text while the step lasts.

        `detail` says how far it is, and is no new step: a log gets it now and then.
        """
        return

    def finish(self, message: str) -> None:
        """Show the result and leave that line on the screen."""
        return

    def clear(self) -> None:
        """Remove what is shown, unless `finish` has left it."""
        return


class Silent(Progress):
    """Show nothing: for tests and for callers that print their own line."""


class _Line:
    """A live line."""

    #: seconds until an unchanged step writes its line again
    pause = 1.0

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._message = ""
        self._shown = float("-inf")

    def update(self, message: str, detail: str = "") -> None:
        """Show `message` and `detail` with the seconds since the work began."""
        now = time.monotonic()
        if message != self._message or now - self._shown >= self.pause:
            self._message, self._shown = message, now
            line = f"{message}: {detail}" if detail else message
            self._show(line, now - self._began, keep=False)

    def finish(self, message: str) -> None:
        """Show `message` for good."""
        self._show(message, time.monotonic() - self._began, keep=True)
        self._message = ""

    def clear(self) -> None:
        """Remove the line."""

    def _show(self, message: str, seconds: float, *, keep: bool) -> None:
        """Replace the line."""


class Terminal(_Line):
    """A live line on a terminal; in a log, a line per step and every 15 s."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Write to `stream`, by default stderr, so that stdout stays data."""
        super().__init__()
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self.pause = 0.1 if self._live else 15.0
        self._width = 0

    def leave(self) -> None:
        """End a live line, so that the next output starts on a line of its own."""
        if self._width:
            self._stream.write("\n")
            self._width = 0

    def clear(self) -> None:
        """Write over a live line; a log keeps its lines."""
        if self._width:
            self._stream.write(f"\r{'':{self._width}}\r")
            self._stream.flush()
            self._width = 0

    def _show(self, message: str, seconds: float, *, keep: bool) -> None:
        line = f"[{seconds:5.1f} s] {message}"
        if self._live:
            # A line that wraps cannot be written over.
            room = shutil.get_terminal_size().columns
            if columns(line) >= room:
                while columns(line) > room - 2:
                    line = line[:-1]
                line = line.rpartition(" ")[0] + " …"
            rest = " " * (self._width - columns(line))
            self._stream.write(f"\r{line}{rest}" + ("\n" if keep else ""))
            self._width = 0 if keep else columns(line)
        else:
            self._stream.write(line + "\n")
        self._stream.flush()


class Notebook(_Line):
    """A live line in a notebook's output, replaced as work goes on."""

    _handle = None

    def clear(self) -> None:
        """Replace the output by one of no form at all, which takes no room."""
        if self._handle is not None:
            self._handle.update({}, raw=True)
            self._handle = None

    def _show(self, message: str, seconds: float, *, keep: bool) -> None:
        from IPython.display import display

        # `raw` with text/plain only: no HTML, so GitHub and print show the same.
        going = say("{step} ({seconds:.0f} s)", step=message, seconds=seconds)
        bundle = {"text/plain": message if keep else going}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)
        if keep:
            self._handle = None


#: the view of the work that all other work is a part of
_whole: Progress | None = None


@contextlib.contextmanager
def of_whole(view: Progress) -> Iterator[None]:
    """Let all work in a block update one view, which its maker clears or finishes."""
    global _whole
    before, _whole = _whole, view
    try:
        yield
    finally:
        _whole = before


def for_here() -> Progress:
    """Return the view that fits: a notebook's in a kernel, else the terminal's.

    Return the view of the whole if this is a part of its work.
    """
    if _whole:
        return _whole
    # Only if it is there: importing IPython to ask for it would take half a second.
    interactive = sys.modules.get("IPython")
    shell = interactive and interactive.get_ipython()
    return Notebook() if hasattr(shell, "kernel") else Terminal()
