"""How much longer than on an idle machine something may take, in tests that bound it.

One factor for a run: what the machine had to do before it began, and that other workers
test at the same time. Seconds that are the test's subject are not scaled.
"""

import functools
import os

#: more would let tests pass that bound nothing
MOST = 6.0


def scaled(seconds: float) -> float:
    """Return the bound for what takes up to `seconds` on an idle machine."""
    return seconds * _factor()


@functools.cache
def _factor() -> float:
    load = os.environ.get("LAB_TESTS_LOAD") or os.getloadavg()[0]
    workers = 4.0 if "PYTEST_XDIST_WORKER" in os.environ else 1.0
    return min(MOST, workers * max(1.0, float(load) / len(os.sched_getaffinity(0))))
