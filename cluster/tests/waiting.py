"""Wait for a condition in a test; never for a time."""

from collections.abc import Callable

from cluster import waiting


def until(condition: Callable, timeout: float = 15.0, what: str = ""):
    """Return the first true value of `condition()`; fail the test after `timeout` s."""
    value = waiting.poll(condition, timeout, pause=0.01)
    assert value, f"not in {timeout} s: {what or condition}"
    return value
