"""Poll until an answer is not empty: the only poll loop.

What it means if none came, the caller says.
"""

import time
from collections.abc import Callable
from typing import TypeVar

from cluster import progress

Answer = TypeVar("Answer")

#: seconds between two questions; most of them cost a process
PAUSE = 0.2
#: seconds before a learner is told what the waiting is for
QUIET = 2.0


def until(
    question: Callable[[], Answer],
    seconds: float,
    *,
    what: str = "",
    state: Callable[[], str] | None = None,
    alive: Callable[[], object] | None = None,
    pause: float = PAUSE,
) -> Answer:
    """Poll until the answer is not empty; return the answer, the last after `seconds`.

    With `what` a learner is told, once it takes long, what is waited for and how it
    stands (`state`). `alive` is called after each empty answer: it raises what makes
    more questions pointless. `pause` is the time between two questions, in seconds.
    """
    began = time.monotonic()
    view = None
    while not (answer := question()):
        if alive:
            alive()
        waited = time.monotonic() - began
        if waited >= seconds:
            break
        if what and waited > QUIET:
            view = view or progress.for_here()
            view.update(f"waiting for {what}" + (f": {state()}" if state else ""))
        time.sleep(pause)
    if view and answer:
        view.finish(f"{what}: done")
    return answer
