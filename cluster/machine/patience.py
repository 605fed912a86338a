"""How much longer than usual things take on this machine: one factor for a cluster.

It is what the cluster's own start took, against what that takes on an idle machine with
two processors. A machine with one, a busy one and a node in user-mode Linux are slower.
"""

#: seconds from the first component to a cluster that is ready
USUAL = 5.0
#: with more, a wait that is in vain would take minutes
MOST = 4.0
#: the component whose start is the node's, where that comes after the control plane
NODE = "node"


def factor(status: dict) -> float:
    """Return it from a status of the cluster: 1 before its start has ended."""
    began, ready = status.get("began"), status.get("ready_at")
    node = status["components"].get(NODE, {})
    # Later starts of the node say nothing about how long one takes.
    if node.get("state") == "running" and not node["restarts"]:
        ready = ready and max(ready, node["since"])
    if not began or not ready:
        return 1.0
    return min(MOST, max(1.0, (ready - began) / USUAL))
