"""Wait for a condition in a test; never for a time."""

from collections.abc import Callable

from cluster import waiting
from cluster.tests.slowness import scaled


def until(condition: Callable, timeout: float = 15.0, what: str = ""):
    """Return the first true value of `condition()`, or fail the test.

    `timeout` are seconds on an idle machine; a busy one gets more.
    """
    timeout = scaled(timeout)
    value = waiting.poll(condition, timeout, pause=0.01)
    assert value, f"not in {timeout} s: {what or condition}"
    return value
