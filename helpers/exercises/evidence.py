"""Wait for what decides on an answer; without it, leave the answer undecided."""

import time
from collections.abc import Callable
from typing import TypeVar

from cluster.waiting import PAUSE, poll
from helpers.command import demand_cluster, time_limit
from helpers.course.steps import name_step
from helpers.errors import Undecided
from helpers.language import say

Evidence = TypeVar("Evidence")

#: seconds without any change, and seconds in all, after which the waiting ends on a
#: machine that starts its cluster quickly
STILL, MOST = 20.0, 90.0
#: looks into a pod after which what did not come will not
LOOKS = 12


def wait_for_evidence(
    look: Callable[[], tuple[Evidence | None, str]], what: str
) -> Evidence:
    """Look until there is evidence for a verdict, and return it; raise Undecided.

    `look` returns the evidence, or an empty value, and what it saw. Time is no
    evidence: the waiting goes on while something changes, and decides nothing.
    """
    seen, changed = "", time.monotonic()
    still, most = time_limit(STILL), time_limit(MOST)

    def ask() -> Evidence | None:
        nonlocal seen, changed
        evidence, now_seen = look()
        if now_seen != seen:
            seen, changed = now_seen, time.monotonic()
        step = say("waiting for {what}", what=what)
        name_step(f"{step}: {seen}" if seen else step)
        return evidence

    def stop_if_still() -> None:
        if time.monotonic() - changed >= still:
            demand_cluster()
            raise Undecided(what, seen)

    if evidence := poll(ask, most, on_miss=stop_if_still):
        return evidence
    demand_cluster()
    raise Undecided(what, seen)


def look_often(look: Callable[[], Evidence]) -> Evidence:
    """Look until something is there, LOOKS times at most; return the last look.

    Each look starts a program in a pod, so on a slow machine what is looked for has as
    much more time to come as it needs.
    """
    for _ in range(LOOKS):
        if found := look():
            break
        time.sleep(PAUSE)
    return found
