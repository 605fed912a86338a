"""Check whether the server takes a learner's manifest, and whether it is the wanted."""

import json

from helpers import errors
from helpers.command import kubectl
from helpers.exercise import exercise


@exercise
def repair_job(job: dict, *, completions: int, mode: str) -> None:
    """Demand a Job that the server takes, with so many pods of this mode."""
    asked = kubectl(
        "create --dry-run=server -o json -f -", input=json.dumps(job), check=False
    )
    if asked.exit_code:
        raise errors.NotSolved(f"The server reports: {asked.stderr.strip()}")
    if fault := other_job(asked.json(), completions=completions, mode=mode):
        raise errors.NotSolved(fault)


def other_job(job: dict, *, completions: int, mode: str) -> str:
    """Return how a Job that the server accepted differs from the wanted one, or ""."""
    if job["kind"] != "Job":
        return f"It is a {job['kind']} now, and should be a Job."
    spec = job["spec"]
    if spec.get("completions") != completions:
        found = spec.get("completions")
        return f"`completions` is {found}, and there should be {completions} pods."
    if spec["completionMode"] != mode:
        return f"`completionMode` is {spec['completionMode']}, so the pods are alike."
    return ""
