"""Check that the pod's account may list the Jobs, and nothing more."""

from helpers.course.exercise import exercise
from helpers.errors import NotSolved
from helpers.grants import fault_of_grant


@exercise
def allow_jobs(account: str) -> None:
    """Raise NotSolved unless `account` may list Jobs, and no more."""
    if fault := fault_of_grant(account, ["list"], "jobs.batch"):
        raise NotSolved(fault)
