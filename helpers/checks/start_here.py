"""Check what `00-start-here` asks for."""

from helpers.command import kubectl
from helpers.errors import NotSolved
from helpers.exercise import exercise

#: what the namespace is to carry
LABEL, VALUE = "mood", "curious"


@exercise
def label_namespace(namespace: str) -> None:
    """Demand the label `mood=curious` on the namespace."""
    found = kubectl("get", "namespace", namespace, "-o", "json", check=False)
    if found.exit_code:
        raise NotSolved(f"There is no namespace {namespace}: run the lesson again.")
    labels = found.json()["metadata"].get("labels", {})
    if LABEL not in labels:
        raise NotSolved(
            f"The namespace {namespace} has no label {LABEL} yet; "
            f"it has {', '.join(sorted(labels))}."
        )
    if labels[LABEL] != VALUE:
        raise NotSolved(
            f"The label {LABEL} is {labels[LABEL]!r}, not {VALUE!r}: "
            "`kubectl label` changes it if you add --overwrite."
        )


@exercise
def read_version(version: str) -> None:
    """Demand the version of Go that the API server was built with."""
    if not version:
        raise NotSolved("There is no answer yet: set `version`.")
    if version != kubectl("get", "--raw", "/version").json()["goVersion"]:
        raise NotSolved(
            f"{version!r} is not the API server's version of Go: "
            "look for the key goVersion."
        )
