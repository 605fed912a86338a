"""Wait for a condition in a test; never for a time."""

import time
from collections.abc import Callable


def until(condition: Callable, timeout: float = 15.0, what: str = ""):
    """Return the first true value of `condition()`; fail the test after `timeout` s."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not in {timeout} s: {what or condition}"
        time.sleep(0.01)
