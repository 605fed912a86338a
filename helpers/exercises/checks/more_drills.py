"""Check the repair of a token, a namespace and a right."""

import re

from helpers.command import current_namespace, kubectl
from helpers.course.exercise import exercise
from helpers.errors import NotSolved
from helpers.exercises.repairs import demand_answer
from helpers.language import mark, say


@exercise
def repair_token(deployment: str) -> None:
    """Demand an application with a token that is renewed."""
    demand_answer(deployment)


@exercise
def repair_namespace(deployment: str) -> None:
    """Demand an application that lists the pods of its own namespace, whatever it is.

    It can know the name from its pod alone, if nothing that it was given has it.
    """
    template = f"deployment {deployment} -o jsonpath={{.spec.template.spec}}"
    if current_namespace() in kubectl(f"get {template}", check=False).stdout:
        fault = mark(
            "namespace: the manifest contains {own}, so in another namespace it would "
            "be wrong: remove the name."
        )
        raise NotSolved(say(fault, own=current_namespace()))
    demand_answer(deployment)


@exercise
def restore_right(deployment: str) -> None:
    """Demand an account with its right and no other, and the pod that was there."""
    # Before the rest, which takes a copy of the pod, and after it: a pod that is being
    # deleted has a log, too.
    _demand_old_pod(deployment)
    demand_answer(deployment)
    _demand_old_pod(deployment)


def _demand_old_pod(deployment: str) -> None:
    """Demand a log with a 200 before a 403, if there is one."""
    log = kubectl("logs", f"deployment/{deployment}", check=False).stdout
    if log and not re.search(r"^200(?s:.*)^403", log, re.MULTILINE):
        fault = mark(
            "The log of {name} has no 200 before a 403, so its pod is a new one: run "
            "the cells of drill 6 again, and leave the pod alone."
        )
        raise NotSolved(say(fault, name=deployment))
