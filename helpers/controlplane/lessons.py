"""Know what can be learned without a node. Pure."""

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
TAG = "needs-pods"


def needs_pods(lesson: str, tags: list[str] = ()) -> bool:
    """Say whether a cell with these tags, of the notebook of a lesson, needs a node."""
    return lesson in OF_PODS or TAG in tags
