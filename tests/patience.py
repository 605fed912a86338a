"""How much longer than on an idle machine something may take, in tests that bound it.

One factor, found once a run: what the machine had to do before, and that other workers
test at the same time. Seconds that are the test's subject are not scaled.
"""

import functools
import os


def patience(seconds: float) -> float:
    """Return the bound for what takes up to `seconds` on an idle machine."""
    return seconds * _factor()


@functools.cache
def _factor() -> float:
    load = os.getloadavg()[0] / len(os.sched_getaffinity(0))
    workers = 3.0 if "PYTEST_XDIST_WORKER" in os.environ else 1.0
    return max(1.0, load) * workers
