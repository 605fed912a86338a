"""Say what a check does while it takes long; the words go when it ends."""

import contextlib
import contextvars
import threading
from collections.abc import Iterator

from cluster import progress
from cluster.waiting import QUIET
from helpers.language import say

#: seconds between two looks at what the check does
PAUSE = 0.5


class _Steps(progress.Progress):
    """The step of the moment; another thread shows it: most steps are one call."""

    def __init__(self) -> None:
        self.step = say("checking your answer")

    def update(self, message: str, detail: str = "") -> None:
        self.step = message


#: the steps of the check that runs
_steps: _Steps | None = None


def name_step(words: str) -> None:
    """Say what a check does from now on; outside a check nobody reads it."""
    if _steps:
        _steps.update(words)


@contextlib.contextmanager
def show_steps() -> Iterator[None]:
    """Show what is done in a block as soon as it takes long, until its end."""
    global _steps
    before, steps, ended = _steps, _Steps(), threading.Event()
    view = progress.for_here()

    def show() -> None:
        wait = QUIET
        while not ended.wait(wait):
            view.update(steps.step)
            wait = PAUSE

    # A kernel finds the cell of an output in the context.
    context = contextvars.copy_context()
    shower = threading.Thread(
        target=context.run, args=(show,), name="steps", daemon=True
    )
    _steps = steps
    shower.start()
    try:
        with progress.of_whole(steps):
            yield
    finally:
        _steps = before
        ended.set()
        shower.join()
        view.clear()
