"""Check the options of a DELETE."""

from collections.abc import Mapping
from typing import Any

from helpers import errors
from helpers.checks.client_library import PENDING
from helpers.command import current_namespace, kubectl, scaled
from helpers.course.exercise import exercise
from helpers.errors import NotSolved
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
    from kubernetes.client import ApiException
    from pydantic import ValidationError

    namespace = current_namespace()
    name = batch.create_namespaced_job(namespace, _BODY).metadata.name
    selector = f"--selector=batch.kubernetes.io/job-name={name}"
    seconds = scaled(TIMEOUT)
    waited = f"--timeout={seconds:.0f}s"
    active = "--for=jsonpath={.status.active}=1"
    kubectl("wait", active, f"job/{name}", waited, timeout=seconds)
    try:
        answer = batch.delete_namespaced_job(name, namespace, **options)
        fault = why_not_last(answer)
        if not fault:
            kubectl("wait", "--for=delete", f"job/{name}", waited, timeout=seconds)
            left = kubectl("get", "pods", selector, "-o", "name").stdout.split()
            if left:
                fault = say("The Job is gone, and {pod} is still there.", pod=left[0])
    except ApiException as error:
        fault = errors.ApiError("DELETE", name, error.status, error.body or "").hint
    except ValidationError as error:
        first = error.errors()[0]
        fault = mark("The client does not take {name!r}: {message}.")
        fault = say(fault, name=first["loc"][-1], message=first["msg"])
    finally:
        kubectl("delete", "job", name, "--wait=false", "--ignore-not-found")
        kubectl("delete", "pod", selector, "--wait=false")
    if fault:
        raise NotSolved(fault)


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
