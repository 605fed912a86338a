"""Check a label, and a version."""

from helpers.command import kubectl
from helpers.connection import LESSON
from helpers.course.exercise import exercise
from helpers.errors import NotSolved
from helpers.language import mark, say

#: the label of the namespace
LABEL, VALUE = "mood", "curious"


@exercise
def label_namespace(namespace: str) -> None:
    """Demand the label `mood=curious` on the namespace."""
    answer = kubectl("get", "namespace", namespace, "-o", "json", "--ignore-not-found")
    if not answer.stdout:
        fault = mark("There is no namespace {namespace}: run the lesson again.")
        raise NotSolved(say(fault, namespace=namespace))
    labels = answer.json()["metadata"].get("labels", {})
    if LABEL not in labels:
        fault = mark("The namespace {name} has no label mood yet; it has {labels}.")
        raise NotSolved(say(fault, name=namespace, labels=", ".join(sorted(labels))))
    if labels[LABEL] != VALUE:
        fault = mark(
            "The label mood is {value!r}, not 'curious': `kubectl label` changes it if "
            "you add --overwrite."
        )
        raise NotSolved(say(fault, value=labels[LABEL]))
    names = "jsonpath={.items[*].metadata.name}"
    names_found = kubectl(f"get namespaces -l {LABEL}={VALUE},!{LESSON} -o {names}")
    for other in names_found.stdout.split():
        # Those of other learners and of earlier runs are in the course, too.
        if other != namespace:
            fault = mark(
                "The namespace {name} has the label, too: `kubectl label namespace "
                "{name} mood-` removes it there."
            )
            raise NotSolved(say(fault, name=other))


@exercise
def read_version(version: str) -> None:
    """Demand the version of Go that the API server was built with."""
    if not version:
        raise NotSolved(say("There is no answer yet: set `version`."))
    if "build[" in str(version):
        raise NotSolved(say("Leave out the quotes around `build[…]`."))
    build = kubectl("get", "--raw", "/version").json()
    if str(version) == str(build):
        raise NotSolved(
            say('That is the whole response: take one key, `build["KEY"]`.')
        )
    if version.strip() not in (build["goVersion"], build["goVersion"][2:]):
        fault = mark(
            "{version!r} is not the API server's version of Go: look for the key "
            "goVersion."
        )
        raise NotSolved(say(fault, version=version))
