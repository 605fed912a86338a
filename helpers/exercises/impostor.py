"""Run a command in a copy of a pod, against a server that replaces the API server."""

import json
import re
from pathlib import Path
from typing import NamedTuple

from helpers.api.pods import exec_in_pod, wait_for
from helpers.api.tokens import FILES
from helpers.command import kubectl, time_limit
from helpers.course.steps import name_step
from helpers.errors import Undecided
from helpers.language import say

#: the names of a server that the copy's `ca.crt` fits, of an impostor, of one that has
#: another server's certificate, and of a server in whose place an impostor answers from
#: a later connection on
GENUINE, IMPOSTOR = "localhost", "kubernetes.default.svc"
MISNAMED, TURNING = f"{IMPOSTOR}:443", f"{GENUINE}:443"
#: the path of a list of the pods in the copy's namespace
PATH = "/api/v1/namespaces/elsewhere/pods"
#: seconds that a command may usually take at each server, and until it comes there
LIMIT, SILENT = 100.0, 8.0
_PROGRAM = Path(__file__).parents[1] / "data" / "impostor.py"


class Request(NamedTuple):
    """A request to a server, and whether the credential is the `own` of the copy."""

    method: str
    path: str
    credential: str


class Meeting(NamedTuple):
    """The traces of a command at a server; `data/impostor.py` explains each field."""

    reached: list[str | None]
    heard: list[Request]
    given: list[Request]
    printed: bool
    counted: list[str]
    right: str
    ended: bool
    whole: bool


def hear(
    pod: dict, command: str, *others: str, took: float = 0.0, silent: float = SILENT
) -> list[Meeting]:
    """Return what GENUINE, and each of `others`, met of a command for `bash -c`.

    It runs in a copy of a pod with other files: the namespace is `elsewhere` at the
    first server, and the token is worth nothing. A command that does not end is ended;
    one that does not come to the first server meets no other. `took` is how many
    seconds it has taken in the pod: it has as many more here. `silent` is how many
    pass, usually, until it comes to a server. Raise Undecided if the time did not do
    for all that a command does.
    """
    name_step(say("running the command in a copy of the pod, against an impostor"))
    made = kubectl("create", "-f", "-", "-o", "name", input=_copy(pod)).stdout.strip()
    program = _PROGRAM.read_text("utf-8")
    try:
        wait_for("condition=Ready", made)
        times = f"{time_limit(1.0)}", f"{took}", f"{silent}"
        home = pod["metadata"]["namespace"]
        run = ("python3", "-c", program, *times, home, command, GENUINE)
        limit = (time_limit(LIMIT) + took) * (1 + len(others))
        done = exec_in_pod(made, *run, *others, timeout=limit)
        meetings = [_read(json.loads(line)) for line in done.stdout.splitlines()]
        decides = all(one.whole for one in meetings) or any(
            one.given for one in meetings
        )
        if not decides or len(meetings) <= len(others):
            what = say("the command to end in a copy of the pod, or to come again")
            raise Undecided(what, (done.stderr.strip().splitlines() or [""])[-1])
        return meetings
    finally:
        kubectl("delete", made, "--now", "--wait=false")


def _read(met: dict) -> Meeting:
    for field in ("heard", "given"):
        met[field] = [Request(*request) for request in met[field]]
    return Meeting(**{field: met[field] for field in Meeting._fields})


def _copy(pod: dict) -> dict:
    """Return the manifest of a copy that sleeps, to which its server's name leads.

    The pod's token and namespace are the copy's own.
    """
    spec, container = pod["spec"], pod["spec"]["containers"][0]
    tokens = [one["name"] for one in spec["volumes"] if _has_token(one)]
    mounts = [
        one | {"name": "copy"} if one["name"] in tokens else one
        for one in container["volumeMounts"]
        if one["mountPath"] != FILES
    ]
    mounts.append({"name": "copy", "mountPath": FILES})
    env = [
        {"name": one["name"], "value": "elsewhere"}
        if _names_namespace(one, pod["metadata"])
        else one
        for one in container.get("env", [])
    ]
    container = container | {"command": ["sleep", "infinity"], "env": env}
    container |= {"args": None, "readinessProbe": None, "volumeMounts": mounts}
    changes = {
        "automountServiceAccountToken": False,
        "containers": [container],
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


def _has_token(volume: dict) -> bool:
    sources = volume.get("projected", {}).get("sources", [])
    return any("serviceAccountToken" in source for source in sources)


def _names_namespace(variable: dict, metadata: dict) -> bool:
    """Return whether a variable has the pod's namespace, as text or from the pod."""
    field = variable.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath")
    return field == "metadata.namespace" or (
        variable.get("value") == metadata.get("namespace", "")
    )
