"""The first objects of a cluster, and what the one odd among them is for."""

import json

import pytest

from cluster import backends
from cluster.machine import bootstrap
from cluster.tests.running import run, sleeper
from helpers.command import kubectl


class NodeAlone:
    """An API server that has one Node, and keeps what is changed in it."""

    def __init__(self, ready: str) -> None:
        self.changes: list[dict] = []
        self.node = {
            "metadata": {"resourceVersion": "7", "labels": bootstrap.node_labels()},
            "spec": {"taints": [{"key": "mine"}, {"key": bootstrap._TAINT}]},
            "status": {
                "conditions": [{"type": "Ready", "status": ready}],
                "nodeInfo": {"machineID": "this"},
            },
        }

    def api(self, method, path, body=None, content_type=""):
        if method == "PATCH":
            self.changes.append(body)
        return 200, self.node


@pytest.mark.parametrize(
    ("ready", "machine", "expected"),
    [("True", "this", True), ("True", "last", False), ("False", "this", False)],
)
def test_a_node_is_opened_to_pods_when_its_own_kubelet_says_ready(
    ready, machine, expected
):
    """A Node that is still there from the last start says nothing of this one."""
    server = NodeAlone(ready)
    assert bootstrap.node_ready(server, machine) is expected
    opened = {
        "metadata": {"resourceVersion": "7"},
        "spec": {"taints": [{"key": "mine"}]},
    }
    assert server.changes == ([opened] if expected else [])


def test_a_resize_acts_or_is_refused_and_the_kubelet_lives(cluster, namespace):
    """Without cgroups and the policy it takes the node down until the pod is gone.

    A pod that requests storage is scheduled: the start says how much there is.
    """
    if cluster.backend != "local":
        pytest.skip("only the local cluster runs without cgroups")
    limits = backends.kept_backend().status()["limits"]
    small, larger = ({"limits": {"memory": size}} for size in ("64Mi", "96Mi"))
    small["requests"] = {"ephemeral-storage": "1Mi"}
    run(sleeper("resized", resources=small))
    change = {"spec": {"containers": [{"name": "main", "resources": larger}]}}
    words = ("patch", "pod", "resized", "--subresource=resize", "--patch")
    done = kubectl(*words, json.dumps(change), check=False)
    assert done.exit_code == (0 if limits else 1)
    assert limits or "could make no cgroups" in done.stderr
    # exec goes through the kubelet.
    assert kubectl("exec", "resized", "--", "echo", "alive").stdout == "alive\n"
