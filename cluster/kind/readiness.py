"""Wait until lessons can begin on a kind cluster, and tell how its parts are."""

import time
from datetime import datetime

from cluster import errors
from cluster.kind.command import Commands
from cluster.kind.node import Node
from cluster.kind.plan import BUDGET
from cluster.progress import Progress
from cluster.waiting import until


def await_ready(node: Node, commands: Commands, progress: Progress) -> None:
    """Wait for the API server, the node, the ServiceAccount and DNS, in this order.

    Raise NotReady or KindFailed when the budget is spent, NotReady for a node that
    ended.
    """
    began = time.monotonic()
    _await_answer(node, progress)
    for what, arguments in node.plan.conditions().items():
        left = max(1, int(BUDGET - (time.monotonic() - began)))
        commands.run(
            node.asks(*arguments, f"--timeout={left}s"),
            f"waiting for {what}",
            lambda what=what: progress.update(f"waiting for {what}"),
        )


def _await_answer(node: Node, progress: Progress) -> None:
    began = time.monotonic()

    def not_ready(last: str, way_out: str = "") -> errors.NotReady:
        waited = time.monotonic() - began
        return errors.NotReady("An answer of the API server", waited, last, way_out)

    def look_at_the_node() -> None:
        state = node.engine.state(node.plan.cluster)
        if state != "running":
            raise not_ready(f"the container of its node is {state or 'gone'}")
        progress.update("waiting for the API server")

    if not until(node.answers, BUDGET, alive=look_at_the_node):
        logs = "See `python -m helpers logs kube-apiserver` and `logs kubelet`."
        raise not_ready("its node runs", logs)


def components(pods: list[dict]) -> dict[str, dict]:
    """Return the rows of a status from the pods of kube-system; pure.

    Each has the keys of a component of the local cluster; `pid` is not known.
    """
    return {
        container["name"]: _row(container, pod["metadata"]["creationTimestamp"])
        for pod in pods
        for container in pod.get("status", {}).get("containerStatuses") or ()
    }


def _row(container: dict, created: str) -> dict:
    state, facts = next(iter(container.get("state", {}).items()), ("waiting", {}))
    last = container.get("lastState", {}).get("terminated") or {}
    began = facts.get("startedAt") or created
    return {
        "state": state if state == "running" else facts.get("reason", state),
        "pid": None,
        "restarts": container.get("restartCount", 0),
        "last_exit": last.get("reason"),
        "since": datetime.fromisoformat(began).timestamp(),
    }
