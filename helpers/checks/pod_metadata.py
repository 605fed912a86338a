"""Check what a learner knows of the downward API: what is known when, and how it goes.

The manifest that a pod was made of is in the annotation that `kubectl apply` leaves.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from helpers.command import kubectl
from helpers.errors import NotSolved
from helpers.exercise import exercise
from helpers.pods import exec_in_pod

#: the fields to sort, and the letters: the author wrote it, or only the cluster knew
FIELDS = (
    "metadata.name",
    "metadata.labels.app",
    "metadata.uid",
    "spec.containers[0].image",
    "spec.nodeName",
    "status.podIP",
)
MANIFEST, CLUSTER = "M", "C"
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

#: the variables and the file of the second exercise, and its limit in millicores
LIMIT, NODE, FILE, MILLICORES = "CPU_LIMIT", "NODE", "/etc/me/labels", 250

_INDEX = re.compile(r"(\w+)\[(\d+)\]")


@exercise
def sort_fields(fields: Mapping[str, str], *, pod: str) -> None:
    """Demand for each field whether the manifest has it, or only the cluster.

    Of an image it is enough that the manifest names one: a policy of an existing
    cluster may put a registry's name into the pod.
    """
    found = _get(pod)
    applied = found["metadata"].get("annotations", {}).get(_APPLIED)
    if applied is None:
        raise NotSolved(
            f"The pod {pod} was not made by `kubectl apply`: run its cell again."
        )
    manifest = json.loads(applied)
    for field in FIELDS:
        letter = str(fields.get(field, "")).strip().upper()
        if letter not in (MANIFEST, CLUSTER):
            raise NotSolved(f"{field}: write {MANIFEST!r} or {CLUSTER!r}.")
        right = MANIFEST if look_up(manifest, field) is not None else CLUSTER
        if letter == right:
            continue
        value = look_up(found, field)
        if right == MANIFEST:
            raise NotSolved(f"{field}: {value!r} is in the manifest already.")
        raise NotSolved(
            f"{field}: it is {value!r} in the pod, and missing from the manifest."
        )


@exercise
def hand_down_facts(*, pod: str) -> None:
    """Demand a pod that knows its CPU limit, its node and its labels."""
    found = _get(pod)
    [main, *_] = found["spec"]["containers"]
    limits = main.get("resources", {}).get("limits", {})
    if limits.get("cpu") != f"{MILLICORES}m":
        raise NotSolved(f"The container needs a CPU limit of {MILLICORES}m.")
    phase = found["status"]["phase"]
    if phase != "Running":
        raise NotSolved(f"The pod is {phase}: `kubectl describe pod {pod}` shows why.")
    sources = {one["name"]: one.get("valueFrom") for one in main.get("env", ())}
    for name in (LIMIT, NODE):
        if name not in sources:
            raise NotSolved(f"There is no variable {name}: look at `env`.")
        if not sources[name]:
            raise NotSolved(f"{name} has a fixed value: use `valueFrom`.")
    _demand_limit(exec_in_pod(pod, "printenv", LIMIT).stdout.strip())
    node = exec_in_pod(pod, "printenv", NODE).stdout.strip()
    if node != found["spec"]["nodeName"]:
        raise NotSolved(f"{NODE} is {node!r}: the field is spec.nodeName.")
    _demand_labels(found)


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
    found = kubectl("get", "pod", pod, "-o", "json", check=False)
    if found.exit_code:
        raise NotSolved(
            f"There is no pod {pod}: run the cell that creates it, and read its output."
        )
    return found.json()


def _demand_limit(said: str) -> None:
    if said == "1":
        raise NotSolved(f"{LIMIT} is 1, whole CPUs rounded up: add the divisor 1m.")
    if said != str(MILLICORES):
        raise NotSolved(f"{LIMIT} is {said!r}: ask for limits.cpu, divisor 1m.")


def _demand_labels(pod: dict) -> None:
    labels = pod["metadata"].get("labels", {})
    if not labels:
        raise NotSolved("The pod has no label, so the file would be empty.")
    found = exec_in_pod(pod["metadata"]["name"], "cat", FILE)
    if found.exit_code:
        raise NotSolved(f"There is no file {FILE}: look at `items` and `volumeMounts`.")
    missing = [k for k, v in labels.items() if f'{k}="{v}"' not in found.stdout]
    if missing:
        raise NotSolved(
            f"{FILE} lacks the label {missing[0]}: the fieldPath is metadata.labels."
        )
