"""Check that the server accepts a manifest, and that it is the right one."""

from helpers.command import kubectl
from helpers.course.exercise import exercise
from helpers.errors import NotSolved
from helpers.exercises.checks.batch_api import CONTROLLER
from helpers.language import mark, say


@exercise
def repair_job(job: dict, *, completions: int, mode: str) -> None:
    """Demand a Job that the server accepts, with this number of pods and mode."""
    line = "create --dry-run=server -o json -f -"
    answer = kubectl(line, input=job, check=False)
    if "(AlreadyExists)" in answer.stderr:
        # It was sent before, and is no worse for that.
        other = job | {"metadata": {"generateName": "check-"}}
        answer = kubectl(line, input=other, check=False)
    if answer.exit_code:
        raise NotSolved(say("The server reports: {error}", error=answer.stderr.strip()))
    if fault := fault_of_job(answer.json(), completions=completions, mode=mode):
        raise NotSolved(fault)


def fault_of_job(job: dict, *, completions: int, mode: str) -> str:
    """Return the difference of an accepted Job from the right one, or ""."""
    if job["kind"] != "Job":
        return say("It is a {kind} now, and should be a Job.", kind=job["kind"])
    spec = job["spec"]
    if spec.get("completions") != completions:
        fault = mark("`completions` is {found}, and there should be {wanted} pods.")
        return say(fault, found=spec.get("completions"), wanted=completions)
    if spec["completionMode"] != mode:
        fault = mark("`completionMode` is {mode}, so the pods are alike.")
        return say(fault, mode=spec["completionMode"])
    # A Job that another controller manages is none of the cluster's.
    is_ours = spec.get("managedBy", CONTROLLER) == CONTROLLER
    if spec.get("suspend") or not spec["parallelism"] or not is_ours:
        return say(
            "It would never start a pod: see `suspend`, `parallelism` and `managedBy`."
        )
    return ""
