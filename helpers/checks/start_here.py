"""Check a label, and a version."""

from helpers.command import kubectl
from helpers.course.exercise import exercise
from helpers.errors import NotSolved
from helpers.language import mark, say

#: the label of the namespace
LABEL, VALUE = "mood", "curious"


@exercise
def label_namespace(namespace: str) -> None:
    """Demand the label `mood=curious` on the namespace."""
    found = kubectl("get", "namespace", namespace, "-o", "json", "--ignore-not-found")
    if not found.stdout:
        fault = mark("There is no namespace {namespace}: run the lesson again.")
        raise NotSolved(say(fault, namespace=namespace))
    labels = found.json()["metadata"].get("labels", {})
    if LABEL not in labels:
        fault = mark("The namespace {name} has no label mood yet; it has {labels}.")
        raise NotSolved(say(fault, name=namespace, labels=", ".join(sorted(labels))))
    if labels[LABEL] != VALUE:
        fault = mark(
            "The label mood is {value!r}, not 'curious': `kubectl label` changes it if "
            "you add --overwrite."
        )
        raise NotSolved(say(fault, value=labels[LABEL]))


@exercise
def read_version(version: str) -> None:
    """Demand the version of Go that the API server was built with."""
    if not version:
        raise NotSolved(say("There is no answer yet: set `version`."))
    if version != kubectl("get", "--raw", "/version").json()["goVersion"]:
        fault = mark(
            "{version!r} is not the API server's version of Go: look for the key "
            "goVersion."
        )
        raise NotSolved(say(fault, version=version))
