"""Know which cells need a node, and which a cluster of the notebooks' own. Pure."""

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
#: tag of a cell that changes what is in no namespace
NEEDS_LAB = "needs-lab"
REASON = (
    "this cell changes what is in no namespace, and this is a cluster of your own: "
    "only namespaces of these notebooks are written to"
)


def needs_pods(lesson: str, tags: list[str] = ()) -> bool:
    """Say whether a cell with these tags, of the notebook of a lesson, needs a node."""
    return lesson in OF_PODS or NEEDS_PODS in tags


def needs_lab(tags: list[str]) -> bool:
    """Say whether a cell with these tags is left out on a cluster of one's own."""
    return NEEDS_LAB in tags
