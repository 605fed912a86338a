"""Decide which cells need a node, and which cannot run on an existing cluster. Pure."""

from collections.abc import Iterable

#: names of the lessons, without their numbers, that work in pods from the beginning
OF_PODS = frozenset(
    {
        "pod-metadata",
        "inside-a-pod",
        "rbac-and-tokens",
        "ambassador",
        "client-library",
        "recap",
    }
)
#: tag of a cell that needs a running pod in a lesson that goes on without it
NEEDS_PODS = "needs-pods"
#: tag of a cell that needs an administrator of the cluster
NEEDS_LAB = "needs-lab"
REASON = (
    "this cell shows an administrator's certificate, reads the audit log or writes "
    "outside of the notebooks' namespaces, and this is an existing cluster"
)


def needs_pods(lesson: str, tags: Iterable[str] = ()) -> bool:
    """Say whether a lesson's cell with these tags needs a node."""
    return lesson in OF_PODS or NEEDS_PODS in tags


def needs_lab(tags: list[str]) -> bool:
    """Say whether a cell with these tags is left out on an existing cluster."""
    return NEEDS_LAB in tags
