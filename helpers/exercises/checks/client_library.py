"""Check a CronJob, and a function that tells 404 from other errors."""

import contextlib
import json
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from helpers.command import (
    backend_in_use,
    current_namespace,
    kubeconfig_in_use,
    kubectl,
)
from helpers.course.exercise import exercise
from helpers.errors import LabError, NotSolved
from helpers.language import mark, say
from helpers.views.managedfields import owners_by_field

#: codes besides 404, which do not mean that there is no pod; 0 is no response
OTHERS = [*(code for code in HTTPStatus if code >= 400 and code != 404), 0]
#: managers of fields that are kubectl's own
_KUBECTL = re.compile(
    "kubectl(-(annotate|apply|client-side-apply|create|edit|label|patch|replace|rollout|set|taint))?"
)
#: methods that change what is there
_WRITES = re.compile("connect|create|delete|patch|replace")
#: No node has this name, so the pod stays Pending: that is enough here.
PENDING = {
    "restartPolicy": "Never",
    "nodeSelector": {"kubernetes.io/hostname": "nowhere"},
    "terminationGracePeriodSeconds": 0,
    "containers": [
        {"name": "main", "image": "toolbox:1", "command": ["sleep", "infinity"]}
    ],
}
_POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"generateName": "practice-"},
    "spec": PENDING,
}


@exercise
def suspend_cron_job(name: str) -> None:
    """Demand a CronJob that is suspended, by another client than kubectl."""
    line = f"get cronjob {name} -o json --show-managed-fields --ignore-not-found"
    answer = kubectl(line)
    if not answer.stdout:
        fault = mark("There is no CronJob {name}: run the cell that creates it.")
        raise NotSolved(say(fault, name=name))
    cron_job = answer.json()
    if cron_job["spec"]["suspend"] is not True:
        fault = mark(
            "The CronJob {name} still runs: its spec.suspend is false. Changing an "
            "object in Python sends nothing, and the server ignores names that it does "
            "not know: send `suspend` in the CronJob's own `spec`."
        )
        raise NotSolved(say(fault, name=name))
    owners = owners_by_field(cron_job).get(".spec.suspend", set())
    if _is_by_kubectl(name, owners):
        # The client's own patch would change nothing, and leave no trace.
        running = '{"spec": {"suspend": false}}'
        kubectl("patch", "cronjob", name, "--patch", running)
        fault = say(
            "kubectl suspended it, so the check has set spec.suspend back to false: "
            "now run the cell with your client call again."
        )
        raise NotSolved(fault)


def _is_by_kubectl(name: str, managers: set[str]) -> bool:
    """Return whether kubectl wrote as one of the managers of a CronJob's field.

    Its name as a manager can be any; where there is an audit log, that has the program.
    """
    path, log = f"/namespaces/{current_namespace()}/cronjobs/{name}", ""
    with contextlib.suppress(LabError):
        log = backend_in_use().audit_log()
    for line in reversed(log.splitlines()):
        # The last one may be half written.
        if path not in line or not line.endswith("}"):
            continue
        event = json.loads(line)
        program = event.get("userAgent", "").partition("/")[0]
        # Without the option, the server takes the program's name.
        query = parse_qs(urlsplit(event["requestURI"]).query)
        [manager] = query.get("fieldManager", [program])
        if event["verb"] in ("patch", "update") and manager in managers:
            return program == "kubectl"
    return any(map(_KUBECTL.fullmatch, managers))


@exercise
def tell_missing_from_forbidden(exists: Callable[[Any, str, str], bool]) -> None:
    """Demand a function that returns whether a pod exists, and raises other errors.

    Call it with a CoreV1Api, a name and a namespace: for an existing pod, a missing
    pod, and with each of OTHERS as the response.
    """
    from kubernetes import client, config

    api = config.new_client_from_config(str(kubeconfig_in_use()))
    called: list[str] = []
    namespace, core = current_namespace(), _noting_api(api, called)
    # Two, because the first page of a list may end after one.
    pods = {"apiVersion": "v1", "kind": "List", "items": [_POD, _POD]}
    line = "jsonpath={.metadata.name} "
    pods_made = kubectl("create", "-f", "-", "-o", line, input=pods).stdout.split()
    name = pods_made[0]
    try:
        for pod in pods_made:
            if exists(core, pod, namespace) is not True:
                raise NotSolved(say("There is a pod: the function has to return True."))
        try:
            # A part of the name is not the name.
            if exists(core, name[:-1], namespace) is not False:
                fault = say("There is no such pod: return False, nothing else.")
                raise NotSolved(fault)
        except client.ApiException as error:
            fault = mark(
                "There is no such pod, but the function raises {status}: which status "
                "should it turn into False?"
            )
            raise NotSolved(say(fault, status=error.status)) from None
    finally:
        kubectl("delete", "pod", *pods_made, "--ignore-not-found")
    if writing := [one for one in called if _WRITES.match(one)]:
        fault = mark("The function calls `{method}`: it should only read the pod.")
        raise NotSolved(say(fault, method=writing[0]))
    for status in OTHERS:
        if fault := _fault_of_refusal(exists, name, status):
            raise NotSolved(fault)


def _fault_of_refusal(exists: Callable, name: str, status: int) -> str:
    """Return what a function does wrong with a response other than 404, or ""."""
    from kubernetes.client import ApiException

    calls, body = [""], json.dumps({"kind": "Status", "code": status, "reason": ""})
    error = ApiException(status=status, body=body) if status else ConnectionError()
    core = _failing_api(error, calls)
    fault = mark(
        "The server responded with {status}, and the function returned {found}: pass "
        "on every exception except a 404."
    )
    if not status:
        fault = mark(
            "The server did not respond, and the function returned {found}: pass on "
            "every exception except a 404."
        )
    try:
        answer = exists(core, name, "elsewhere")
    except Exception as raised:
        fault, answer = "", type(raised).__name__
        # A new one of the same status has lost what the server said.
        if raised is not error and status:
            fault = mark(
                "The server responded with {status}, and the function raised {found}: "
                "pass on the exception itself."
            )
    if "elsewhere" not in calls[-1]:
        return say("The function does not ask `core` in the namespace that it gets.")
    return fault and say(fault, status=status, found=answer)


def _noting_api(api_client: Any, called: list[str]) -> Any:
    """Return a CoreV1Api that notes the names of the methods that are used."""
    from kubernetes import client

    class Noting(client.CoreV1Api):
        def __getattribute__(self, name: str) -> Any:
            called.append(name)
            return super().__getattribute__(name)

    return Noting(api_client)


def _failing_api(error: Exception, calls: list[str]) -> Any:
    """Return a CoreV1Api whose methods all raise one exception, and note their call."""

    def refuse(*args: object, **options: object) -> None:
        calls.append(f"{args} {options}")
        raise error

    return type("Refusing", (), {"__getattr__": lambda *_: refuse})()
