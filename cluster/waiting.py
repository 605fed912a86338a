"""Wait for an answer that is not empty. What it means if none came, the caller says."""

import time
from collections.abc import Callable
from typing import TypeVar

from cluster import progress

Answer = TypeVar("Answer")

#: seconds between two questions; most of them cost a process
PAUSE = 0.2
#: seconds before a learner is told what the waiting is for
QUIET = 2.0


def until(question: Callable[[], Answer], seconds: float, *, what: str = "") -> Answer:
    """Ask until the answer is not empty, and return it; the last one after `seconds`.

    With `what` a learner is told, once it takes long, what is waited for.
    """
    began = time.monotonic()
    view = None
    while not (answer := question()):
        waited = time.monotonic() - began
        if waited > seconds:
            break
        if what and waited > QUIET:
            view = view or progress.for_here()
            view.update(f"waiting for {what}")
        time.sleep(PAUSE)
    if view and answer:
        view.finish(f"{what}: done")
    return answer
