"""Run a command in a copy of a pod, against a server in the place of the API server."""

import json
import re
from pathlib import Path

from helpers.api.pods import exec_in_pod, wait_for
from helpers.api.tokens import FILES
from helpers.command import kubectl
from helpers.course.steps import name_step
from helpers.language import say

#: the names of a server whose certificate is the copy's `ca.crt`, of an impostor, and
#: of a server in whose place an impostor answers from the second connection on
GENUINE, IMPOSTOR, TURNING = "localhost", "kubernetes.default.svc", "localhost:443"
_PROGRAM = Path(__file__).parents[1] / "data" / "impostor.py"


def hear(pod: dict, command: str, *servers: str) -> list[dict]:
    """Return what each server heard of a command for `bash -c` in a copy of a pod.

    `reached` are the names by which clients came, `heard` are path, credential and
    connection of each request; `printed` says whether the command printed the list.
    The copy has other files; its namespace is `elsewhere`, and its token is worth
    nothing. A command that does not end is ended.
    """
    name_step(say("running the command in a copy of the pod, against an impostor"))
    made = kubectl("create", "-f", "-", "-o", "name", input=_copy(pod)).stdout.strip()
    program = _PROGRAM.read_text("utf-8")
    try:
        wait_for("condition=Ready", made)
        run = ("python3", "-c", program, command, *servers)
        lines = exec_in_pod(made, *run).stdout.splitlines()
        return [json.loads(line) for line in lines]
    finally:
        kubectl("delete", made, "--now", "--wait=false")


def is_turned(turning: dict) -> bool:
    """Say whether what TURNING heard came after its first connection."""
    return any(connection > 1 for *_, connection in turning["heard"])


def _copy(pod: dict) -> dict:
    """Return the manifest of a copy that sleeps, to which its server's name leads."""
    spec, container = pod["spec"], pod["spec"]["containers"][0]
    mounts = [one for one in container["volumeMounts"] if one["mountPath"] != FILES]
    mounts.append({"name": "copy", "mountPath": FILES})
    container = container | {"command": ["sleep", "infinity"], "volumeMounts": mounts}
    changes = {
        "automountServiceAccountToken": False,
        "containers": [container | {"args": None, "readinessProbe": None}],
        "hostAliases": [{"ip": "127.0.0.1", "hostnames": [IMPOSTOR]}],
        "volumes": [*spec["volumes"], {"name": "copy", "emptyDir": {}}],
    }
    # Named as its siblings are: a script could tell a copy by its host's name.
    name = pod["metadata"].get("generateName") or pod["metadata"]["name"] + "-"
    # Called as the pod is: it might send other requests where it has another name.
    host = spec.get("hostname", pod["metadata"]["name"])
    if re.fullmatch("[a-z0-9-]{1,63}", host):
        changes["hostname"] = host
    return pod | {"metadata": {"generateName": name}, "spec": spec | changes}
