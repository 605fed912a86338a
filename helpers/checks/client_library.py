"""Check what `07-client-library` asks for."""

import json
from collections.abc import Callable
from typing import Any

from helpers.command import current_namespace, kubeconfig_in_use, kubectl
from helpers.errors import NotSolved
from helpers.exercise import exercise
from helpers.managedfields import owners_by_field

#: a user without any right, of which the server tells nothing
NOBODY = "nobody-in-particular"
_POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"generateName": "practice-"},
    "spec": {
        # No node has this name: the pod waits for one, and that it is there is enough.
        "nodeSelector": {"kubernetes.io/hostname": "nowhere"},
        "terminationGracePeriodSeconds": 0,
        "containers": [
            {"name": "main", "image": "toolbox:1", "command": ["sleep", "infinity"]}
        ],
    },
}


@exercise
def suspend_cron_job(name: str) -> None:
    """Demand a CronJob that was suspended, and not by kubectl."""
    found = kubectl("get", "cronjob", name, "-o", "json", "--show-managed-fields")
    cron_job = found.json()
    if cron_job["spec"]["suspend"] is not True:
        raise NotSolved(
            f"The CronJob {name} still runs: its spec.suspend is false. "
            "If you have sent a patch: suspend must be inside spec in it."
        )
    owners = owners_by_field(cron_job).get(".spec.suspend", set())
    if any(owner.startswith("kubectl") for owner in owners):
        raise NotSolved("It was kubectl that suspended it: let the client do it.")


@exercise
def tell_missing_from_forbidden(exists: Callable[[Any, str, str], bool]) -> None:
    """Demand a function that says whether there is a pod, and no more than it knows.

    It is called with a CoreV1Api, a name and a namespace: for a pod that exists, for
    one that does not, and as a user who must not know.
    """
    from kubernetes import client, config

    api = config.new_client_from_config(str(kubeconfig_in_use()))
    namespace, core = current_namespace(), client.CoreV1Api(api)
    made = kubectl("create", "-f", "-", "-o", "json", input=json.dumps(_POD)).json()
    name = made["metadata"]["name"]
    try:
        if exists(core, name, namespace) is not True:
            raise NotSolved("There is a pod, and the function does not return True.")
    finally:
        kubectl("delete", "pod", name)
    try:
        if exists(core, "not-there", namespace) is not False:
            raise NotSolved("There is no such pod: return False, and no other value.")
    except client.ApiException as error:
        fact = f"There is no such pod, and the function raises {error.status}."
        raise NotSolved(f"{fact} Which code should it turn into False?") from None
    api.set_default_header("Impersonate-User", NOBODY)
    try:
        said = exists(core, name, namespace)
    except client.ApiException:
        return
    fact = f"The server answered 403, and the function says {said}."
    raise NotSolved(f"{fact} Pass on every exception but a 404.")
