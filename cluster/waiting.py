"""Poll a condition: the only loop that does. The caller says what a miss means."""

import time
from collections.abc import Callable
from typing import TypeVar

from cluster import progress
from cluster.language import say

Answer = TypeVar("Answer")

#: codes of responses that may be another one in a moment
PASSING = (429, 500, 502, 503, 504)
#: seconds between two questions; most of them cost a process
PAUSE = 0.2
#: seconds before a learner is told what the waiting is for
QUIET = 2.0


def poll(
    condition: Callable[[], Answer],
    seconds: float,
    *,
    what: str = "",
    state: Callable[[], str] | None = None,
    on_miss: Callable[[], object] | None = None,
    pause: float = PAUSE,
) -> Answer:
    """Call `condition` until its answer is not empty; return the last answer.

    After `seconds` that is an empty one. With `what` a learner is told, once it takes
    long, what is waited for and how that stands (`state`). `on_miss` is called after
    each empty answer, and raises what ends the waiting early. `pause` is in seconds.
    """
    began = time.monotonic()
    view = None
    while not (answer := condition()):
        if on_miss:
            on_miss()
        waited = time.monotonic() - began
        if waited >= seconds:
            break
        if what and waited > QUIET:
            view = view or progress.for_here()
            detail = state() if state else ""
            step = say("waiting for {what}", what=what)
            view.update(f"{step}: {detail}" if detail else step)
        time.sleep(pause)
    if view and answer:
        view.finish(say("{what}: done", what=what))
    return answer
