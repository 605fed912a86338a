"""Check the repair of a token, a namespace and a right."""

from helpers.course.exercise import exercise
from helpers.repairs import demand_answer


@exercise
def repair_token(deployment: str) -> None:
    """Demand an application with a token that is renewed."""
    demand_answer(deployment)


@exercise
def repair_namespace(deployment: str) -> None:
    """Demand an application that lists the pods of its own namespace."""
    demand_answer(deployment)


@exercise
def restore_right(deployment: str) -> None:
    """Demand an account with its right, and no other."""
    demand_answer(deployment)
