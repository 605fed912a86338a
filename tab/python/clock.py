"""Sleep without blocking the tab."""

import time
from typing import Any

import js

from tab.python import doors, threads

#: seconds without a wait after which a thread computes
_LONG = 0.05


def sleep(seconds: float) -> None:
    """Wait as `time.sleep` does; the cluster and the page go on."""
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    computes = seconds == 0 and time.monotonic() > doors.resumed + _LONG
    doors.wait(js.delay(seconds * 1000))
    if computes:
        threads.leave_if_stopped()


def install() -> None:
    """Replace Python's own with it."""
    module: Any = time
    module.sleep = sleep
