"""Check what a learner knows of the downward API: when, by which way, and how."""

import json
import re
from collections.abc import Mapping
from typing import Any

from helpers.command import kubectl
from helpers.drills import current_pod
from helpers.pods import exec_in_pod

#: the environment variable and the file of the exercise, and its limit in millicores
VARIABLE, FILE, MILLICORES = "CPU_LIMIT", "/etc/me/labels", 250

_WHENS = ("before", "after")
_WAYS = ("env", "volume", "both")
_INDEX = re.compile(r"(\w+)\[(\d+)\]")
#: a value that the server refuses, and whether it stood in a volume or a container
_REFUSED = re.compile(r'spec\.(volumes|containers)\[.*? value: "([^"]+)"')


def known_when(known: Mapping[str, str], *, deployment: str) -> str:
    """Diagnose the first field that is not sorted rightly into "before" and "after".

    A field is known before if the Deployment's template holds it as its pod does. Of an
    image it is enough that the template names one: a policy of an existing cluster
    may put a registry's name into the pod.
    """
    found = kubectl("get", "deployment", deployment, "-o", "json").json()["spec"]
    pod = current_pod(deployment)
    if pod is None:
        return f"The Deployment {deployment} has no pod yet."
    for field, when in known.items():
        if when not in _WHENS:
            return f"{field}: {when!r}; write one of {', '.join(_WHENS)}."
        value, written = look_up(pod, field), look_up(found["template"], field)
        if value is None:
            return f"{field}: the pod has no such field."
        same = written == value or (field.endswith(".image") and written is not None)
        if when == "before" and not same:
            return f"{field}: the template says nothing of it; the pod has {value!r}."
        if when == "after" and same:
            return f"{field}: {value!r} stands in the template already."
    return ""


def ways_hold(ways: Mapping[str, str]) -> str:
    """Diagnose the first field whose way into a container is not the given one.

    A way is "env", "volume" or "both". The API server decides, in a dry run.
    """
    allowed = ask_ways(list(ways))
    for field, way in ways.items():
        if way not in _WAYS:
            return f"{field}: {way!r}; write one of {', '.join(_WAYS)}."
        if not allowed[field]:
            return f"{field}: the server takes it by no way at all."
        right = "both" if len(allowed[field]) == 2 else min(allowed[field])
        if way != right:
            others = {"env", "volume"} - allowed[field]
            refused = f"not by {min(others)}" if others else "by either way"
            return f"{field}: you say {way!r}; the server takes it {refused}."
    return ""


def ask_ways(fields: list[str]) -> dict[str, set[str]]:
    """Return the ways in which the API server accepts each field: "env", "volume".

    One pod asks for everything in both ways, in a dry run. The same as
    `kubectl create --dry-run=server`.
    """
    done = kubectl(
        *("create", "--dry-run=server", "-f", "-"),
        input=json.dumps(asking(fields)),
        check=False,
    )
    refused = set(_REFUSED.findall(done.stderr))
    return {
        field: {
            way
            for way, place in (("env", "containers"), ("volume", "volumes"))
            if (place, field) not in refused
        }
        for field in fields
    }


def asking(fields: list[str]) -> dict:
    """Return a pod that asks for each field as a variable and as a file."""
    sources = [_source(field) for field in fields]
    container = {
        "name": "main",
        "image": "toolbox:1",
        "env": [
            {"name": f"FIELD_{number}", "valueFrom": source}
            for number, source in enumerate(sources)
        ],
    }
    items = [
        {"path": f"field-{number}", **source} for number, source in enumerate(sources)
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "asking-"},
        "spec": {
            "containers": [container],
            "volumes": [{"name": "downward", "downwardAPI": {"items": items}}],
        },
    }


def pod_knows_itself(pod: str) -> str:
    """Diagnose why a pod does not know its CPU limit and its labels."""
    found = kubectl("get", "pod", pod, "-o", "json", check=False)
    if found.exit_code:
        return found.stderr.strip()
    labels = found.json()["metadata"].get("labels", {})
    limits = found.json()["spec"]["containers"][0].get("resources", {}).get("limits")
    if (limits or {}).get("cpu") != f"{MILLICORES}m":
        return f"The container needs a CPU limit of {MILLICORES}m; it has {limits}."
    phase = found.json()["status"]["phase"]
    if phase != "Running":
        return f"The pod is {phase}: `kubectl describe pod {pod}` says why."
    said = exec_in_pod(pod, "printenv", VARIABLE).stdout.strip()
    if said != str(MILLICORES):
        return _wrong_variable(said)
    held = exec_in_pod(pod, "cat", FILE)
    if held.exit_code:
        return f"There is no file {FILE}: look at `volumes` and `volumeMounts`."
    missing = [k for k, v in labels.items() if f'{k}="{v}"' not in held.stdout]
    if not labels:
        return "The pod has no label, so the file has nothing to say."
    if missing:
        return f"{FILE} lacks the label {missing[0]}: the fieldPath is metadata.labels."
    return ""


def look_up(document: dict, field: str) -> Any:
    """Return the value at a path such as `spec.containers[0].image`, or None."""
    here: Any = document
    for step in _INDEX.sub(r"\1.\2", field).split("."):
        if isinstance(here, list):
            here = here[int(step)] if int(step) < len(here) else None
        else:
            here = (here or {}).get(step)
    return here


def _source(field: str) -> dict:
    if field.startswith(("limits.", "requests.")):
        return {"resourceFieldRef": {"containerName": "main", "resource": field}}
    return {"fieldRef": {"fieldPath": field}}


def _wrong_variable(said: str) -> str:
    if not said:
        return f"The environment has no {VARIABLE}: look at `env` of the container."
    if said == "1":
        return f"{VARIABLE} is 1, whole CPUs rounded up: the divisor makes millicores."
    return (
        f"{VARIABLE} is {said!r}, not {MILLICORES}: ask for limits.cpu, in millicores."
    )
