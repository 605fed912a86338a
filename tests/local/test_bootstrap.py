"""The first objects of a cluster, and what the one odd among them is for."""

import json

import pytest

from cluster.local import bootstrap
from helpers.command import kubectl

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "resized"},
    "spec": {
        "terminationGracePeriodSeconds": 0,
        "containers": [
            {
                "name": "main",
                "image": "toolbox:1",
                "command": ["sleep", "infinity"],
                "resources": {"limits": {"memory": "64Mi"}},
            }
        ],
    },
}
LARGER = {
    "spec": {
        "containers": [{"name": "main", "resources": {"limits": {"memory": "96Mi"}}}]
    }
}


def test_each_object_goes_to_the_collection_of_its_kind():
    """A path and a kind that differ would be refused at every start."""
    for post in bootstrap.posts():
        collection = post.path.rsplit("/", 1)[1]
        kind = post.body["kind"].lower()
        assert collection in (f"{kind}s", f"{kind[:-1]}ies"), post.path


def test_a_resize_is_refused_and_the_kubelet_lives(cluster, namespace):
    """Without the policy this one request takes the node down until the pod is gone."""
    if cluster.backend != "local":
        pytest.skip("only the local cluster runs without cgroups")
    kubectl("apply", "-f", "-", input=json.dumps(POD))
    kubectl("wait", "--for=condition=Ready", "pod/resized", "--timeout=60s")
    done = kubectl(
        *("patch", "pod", "resized", "--subresource=resize"),
        *("--patch", json.dumps(LARGER)),
        check=False,
    )
    assert done.exit_code == 1
    assert "has no cgroups" in done.stderr
    # exec goes through the kubelet.
    assert kubectl("exec", "resized", "--", "echo", "alive").stdout == "alive\n"


def test_other_changes_of_a_pod_pass(namespace):
    """The policy is about one subresource and nothing else."""
    kubectl("apply", "-f", "-", input=json.dumps(POD))
    done = kubectl("label", "pod", "resized", "a=b")
    assert done.stdout == "pod/resized labeled\n"
