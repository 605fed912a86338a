"""Check the origin of fields, and a pod that uses the downward API."""

import json
import re
from collections.abc import Mapping
from typing import Any

from helpers.api.pods import exec_in_pod
from helpers.command import Completed, kubectl
from helpers.course.exercise import exercise, letters_of
from helpers.errors import KubectlFailed, NotSolved
from helpers.exercises.evidence import wait_for_evidence
from helpers.exercises.repairs import running_or_fault
from helpers.language import mark, say

#: the fields to sort, and the letters: the author wrote it, or the cluster added it
FIELDS = (
    "metadata.name",
    "metadata.labels.app",
    "metadata.uid",
    "spec.containers[0].image",
    "spec.nodeName",
    "spec.containers[0].imagePullPolicy",
)
MANIFEST, CLUSTER = "M", "C"
_ORIGINS = {
    MANIFEST: mark("{field}: {value!r} is in the manifest."),
    CLUSTER: mark("{field}: it is {value!r} in the pod, and not in the manifest."),
}
#: where `kubectl apply` keeps the manifest of an object
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

#: the variables and the file of the second exercise, and its limit in millicores
LIMIT, NODE, FILE, MILLICORES = "CPU_LIMIT", "NODE", "/etc/me/labels", 250

#: the field that each of them has to come from
_ORIGIN = {LIMIT: "limits.cpu", NODE: "spec.nodeName", FILE: "metadata.labels"}

_ENDED = mark(
    "The container {container} has ended: leave out `command`, or let it go on."
)
_INDEX = re.compile(r"(\w+)\[(\d+)\]")


@exercise
def sort_fields(fields: Mapping[str, str], *, pod: str) -> None:
    """Demand for each field whether the manifest has it, or the cluster added it.

    Values are not compared: a policy of an existing cluster may change an image.
    """
    created = _get(pod)
    applied = created["metadata"].get("annotations", {}).get(_APPLIED)
    if applied is None:
        fault = mark("`kubectl apply` did not make the pod {pod}: run its cell again.")
        raise NotSolved(say(fault, pod=pod))
    manifest = json.loads(applied)
    for field in FIELDS:
        letter = letters_of(fields.get(field, ""))
        if letter not in (MANIFEST, CLUSTER):
            raise NotSolved(say("{field}: write 'M' or 'C'.", field=field))
        right = MANIFEST if look_up(manifest, field) is not None else CLUSTER
        if letter != right:
            value = look_up(created, field)
            raise NotSolved(say(_ORIGINS[right], field=field, value=value))


@exercise
def hand_down_facts(*, pod: str) -> None:
    """Demand a container that has its CPU limit, its node and its labels."""
    manifest = _get(pod)
    main = max(manifest["spec"]["containers"], key=_likeness)
    limits = main.get("resources", {}).get("limits", {})
    if limits.get("cpu") != f"{MILLICORES}m":
        raise NotSolved(say("The container needs a CPU limit of 250m."))
    what = say("the pod {pod} to run", pod=pod)
    # It runs, or it never will.
    manifest, fault = wait_for_evidence(lambda: _running_or_ended(_get(pod)), what)
    if fault:
        raise NotSolved(fault)
    sources = {
        variable["name"]: variable.get("valueFrom") for variable in main.get("env", ())
    }
    for key in (LIMIT, NODE):
        if key not in sources:
            raise NotSolved(say("There is no variable {key}: look at `env`.", key=key))
        if not sources[key]:
            raise NotSolved(say("{key} has a fixed value: use `valueFrom`.", key=key))
    other = (sources[LIMIT].get("resourceFieldRef") or {}).get("containerName")
    if other not in (None, "", main["name"]):
        fault = mark("CPU_LIMIT is the limit of {other}: leave out containerName.")
        raise NotSolved(say(fault, other=other))
    name = main["name"]
    limit = _run(pod, name, "printenv", LIMIT).stdout.strip()
    if limit == "1":
        raise NotSolved(say("CPU_LIMIT is 1, in whole CPUs: add the divisor 1m."))
    if limit != str(MILLICORES):
        fault = mark("CPU_LIMIT is {value!r}: use limits.cpu with the divisor 1m.")
        raise NotSolved(say(fault, value=limit))
    node = _run(pod, name, "printenv", NODE).stdout.strip()
    if node != manifest["spec"]["nodeName"]:
        raise NotSolved(say("NODE is {node!r}: the field is spec.nodeName.", node=node))
    _demand_labels(manifest, main)
    sources[FILE] = _volume_of(FILE, main, manifest["spec"])
    for name, field in _ORIGIN.items():
        if repr(field) not in str(sources[name]):
            fault = mark(
                "{name} has the right value, but it does not come from {field}: name "
                "that field."
            )
            raise NotSolved(say(fault, name=name, field=field))


def look_up(document: dict, field: str) -> Any:
    """Return the value at a path such as `spec.containers[0].image`, or None."""
    here: Any = document
    for step in _INDEX.sub(r"\1.\2", field).split("."):
        if isinstance(here, list):
            here = here[int(step)] if int(step) < len(here) else None
        else:
            here = (here or {}).get(step)
    return here


def _get(pod: str) -> dict:
    answer = kubectl("get", "pod", pod, "-o", "json", "--ignore-not-found")
    if not answer.stdout:
        fault = mark(
            "There is no pod {pod}: run the cell that creates it, and read its output."
        )
        raise NotSolved(say(fault, pod=pod))
    return answer.json()


def _running_or_ended(pod: dict) -> tuple[tuple[dict, str] | None, str]:
    """Return what `running_or_fault` does; a container that has ended is a fault."""
    for one in pod["status"].get("containerStatuses", []):
        if "terminated" in one["state"]:
            return (pod, say(_ENDED, container=one["name"])), ""
    return running_or_fault(pod)


def _run(pod: str, container: str, *command: str) -> Completed:
    try:
        return exec_in_pod(pod, *command, container=container)
    except KubectlFailed as failed:
        if not re.search("container not found|no running task", failed.stderr):
            raise
    # It seems to run for a moment whenever it is started again.
    raise NotSolved(say(_ENDED, container=container))


def _likeness(container: dict) -> tuple[int, bool]:
    """Return how much a container looks like the exercise's, beside a sidecar."""
    names = {variable["name"] for variable in container.get("env", ())}
    return len(names & {LIMIT, NODE}), container["name"] == "main"


def _volume_of(file: str, container: dict, spec: dict) -> list[dict]:
    """Return the volume that a file of a container is in, or []."""
    mounts = container.get("volumeMounts", ())
    paths = {mount["mountPath"]: mount["name"] for mount in mounts}
    [inner] = sorted(filter(file.startswith, paths), key=len)[-1:] or [""]
    volumes = spec.get("volumes", ())
    return [volume for volume in volumes if volume["name"] == paths.get(inner)]


def _demand_labels(pod: dict, container: dict) -> None:
    labels = pod["metadata"].get("labels", {})
    if not labels:
        raise NotSolved(say("The pod has no label, so the file would be empty."))
    name = pod["metadata"]["name"]
    output = _run(name, container["name"], "cat", FILE)
    if output.exit_code:
        fault = mark("There is no file {file}: look at `items` and `volumeMounts`.")
        raise NotSolved(say(fault, file=FILE))
    missing = [k for k, v in labels.items() if f'{k}="{v}"' not in output.stdout]
    if missing:
        fault = mark("{file} lacks the label {key}: the fieldPath is metadata.labels.")
        raise NotSolved(say(fault, file=FILE, key=missing[0]))
