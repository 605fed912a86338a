"""Check the rights of an account."""

from helpers.course.exercise import exercise
from helpers.errors import NotSolved
from helpers.exercises.grants import fault_of_grant

#: what the lesson grants before the exercise; commands only by its own bindings
_BESIDE = (
    ("list", "pods"),
    ("get", "pods"),
    ("get", "pods/log"),
    ("get", "pods/exec", "see-more", "see-more"),
    ("create", "pods/exec", *["reader-create-pods-exec"] * 2),
)


@exercise
def allow_jobs(account: str) -> None:
    """Demand that `account` may list Jobs, and no more."""
    if fault := fault_of_grant(account, ["list"], "jobs.batch", _BESIDE):
        raise NotSolved(fault)
