"""Check the rights of an account."""

from helpers.course.exercise import exercise
from helpers.errors import NotSolved
from helpers.grants import fault_of_grant


@exercise
def allow_jobs(account: str) -> None:
    """Demand that `account` may list Jobs, and no more."""
    if fault := fault_of_grant(account, ["list"], "jobs.batch"):
        raise NotSolved(fault)
