"""Check the options of a DELETE."""

import json
from collections.abc import Mapping
from typing import Any

from helpers import errors
from helpers.command import current_namespace, kubectl, time_limit
from helpers.course.exercise import exercise
from helpers.errors import NotSolved
from helpers.exercises.checks.client_library import PENDING
from helpers.language import mark, say

_BODY = {
    "metadata": {"generateName": "practice-"},
    "spec": {"template": {"spec": PENDING}},
}

#: seconds that a pod may usually take to come, and to go
TIMEOUT = 60.0


@exercise
def delete_job_last(options: Mapping[str, object], batch: Any) -> None:
    """Demand options of a DELETE by a BatchV1Api that keep a Job until its pods end."""
    name = batch.create_namespaced_job(current_namespace(), _BODY).metadata.name
    _wait("jsonpath={.status.active}=1", name)
    try:
        fault = _delete(name, options, batch)
    finally:
        kubectl("delete", "job", name, "--wait=false", "--ignore-not-found")
        kubectl("delete", "pod", _pods_of(name), "--wait=false")
    if fault:
        raise NotSolved(fault)


def _delete(name: str, options: Mapping[str, object], batch: Any) -> str:
    """Delete a Job; return why the options do not keep it until its pods end, or ""."""
    from kubernetes.client import ApiException
    from pydantic import ValidationError

    try:
        # As it came: clients before 37 turn it into a Status, without the finalizers.
        raw = {**options, "_preload_content": False}
        answer = batch.delete_namespaced_job(name, current_namespace(), **raw)
    except ApiException as error:
        return errors.ApiError("DELETE", name, error.status, error.body or "").hint
    except ValidationError as error:
        first = error.errors()[0]
        fault = mark("The client does not take {name!r}: {message}.")
        return say(fault, name=first["loc"][-1], message=first["msg"])
    if fault := why_not_last(json.loads(answer.data)):
        return fault
    held = kubectl("get", "job", name, "--ignore-not-found", "-o", "json").stdout
    if held and "deletionTimestamp" not in held:
        return say("The Job is still there: `dry_run` deletes nothing.")
    _wait("delete", name)
    left = kubectl("get", "pods", _pods_of(name), "-o", "name").stdout.split()
    if left:
        return say("The Job is gone, and {pod} is still there.", pod=left[0])
    return ""


def _wait(condition: str, name: str) -> None:
    seconds = time_limit(TIMEOUT)
    limit = f"--timeout={seconds:.0f}s"
    kubectl("wait", f"--for={condition}", f"job/{name}", limit, timeout=seconds)


def _pods_of(name: str) -> str:
    return f"--selector=batch.kubernetes.io/job-name={name}"


def why_not_last(answer: Mapping) -> str:
    """Return a sentence if a DELETE of a Job does not delete its pods first; pure."""
    finalizers = answer.get("metadata", {}).get("finalizers", [])
    if "orphan" in finalizers:
        return say(
            "The pods stay behind and lose their owner: that is what happens to a Job "
            "without a policy."
        )
    if "foregroundDeletion" not in finalizers:
        return say("The Job is gone at once, and its pods follow: that is Background.")
    return ""
