"""Sleep without blocking the tab."""

import time
from typing import Any

import js

from tab.python import doors


def sleep(seconds: float) -> None:
    """Wait as `time.sleep` does; the cluster and the page go on."""
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    doors.wait(js.delay(seconds * 1000))


def install() -> None:
    """Replace Python's own with it."""
    module: Any = time
    module.sleep = sleep
