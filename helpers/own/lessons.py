"""Know what is not for a cluster that others use as well. Pure."""

#: tag of a cell that changes what is in no namespace
TAG = "needs-lab"
REASON = (
    "this cell changes what is in no namespace, and this is a cluster of your own: "
    "only namespaces of these notebooks are written to"
)


def needs_lab(tags: list[str]) -> bool:
    """Say whether a cell with these tags is left out on a cluster of one's own."""
    return TAG in tags
