"""Check the rights of an account."""

from itertools import product

from helpers.course.exercise import exercise
from helpers.errors import NotSolved
from helpers.exercises.grants import fault_of_grant

#: what the lesson grants before the exercise
_BESIDE = [("list", "pods"), ("create", "pods/exec")]
_BESIDE += product(["get"], ["pods", "pods/log", "pods/exec"])


@exercise
def allow_jobs(account: str) -> None:
    """Demand that `account` may list Jobs, and no more."""
    if fault := fault_of_grant(account, ["list"], "jobs.batch", _BESIDE):
        raise NotSolved(fault)
