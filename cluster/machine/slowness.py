"""Say how slow this machine is, by what the start of its cluster took."""

#: seconds from the first component to a cluster that is ready
USUAL = 5.0
#: with more, a wait that is in vain would take minutes
MOST = 4.0
#: the component whose start is the node's, where that comes after the control plane
NODE = "node"


def slowness(status: dict) -> float:
    """Return how many times as long as usual a cluster's start took, at least 1.

    1 before the start has ended. Usual is an idle machine with two processors.
    """
    began, ready = status.get("began"), status.get("ready_at")
    node = status["components"].get(NODE, {})
    # Later starts of the node say nothing about how long one takes.
    if node.get("state") == "running" and not node["restarts"]:
        ready = ready and max(ready, node["since"])
    if not began or not ready:
        return 1.0
    return min(MOST, max(1.0, (ready - began) / USUAL))
