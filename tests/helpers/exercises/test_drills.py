"""Copies of an application are broken in one way each, and in nothing else."""

import copy
from datetime import UTC, datetime

import pytest

from cluster.kind.backend import Kind
from helpers import Caller, review_token
from helpers.exercises import drills
from helpers.exercises.drills import NAMES, faulty_copies
from helpers.rbac.refusals.unauthorized import diagnose

WHOLE = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "app", "uid": "1", "resourceVersion": "2"},
    "spec": {
        "selector": {"matchLabels": {"app": "app"}},
        "template": {
            "metadata": {"labels": {"app": "app"}},
            "spec": {
                "serviceAccountName": "app",
                "containers": [
                    {
                        "name": "main",
                        "env": [{"name": "SERVER", "value": "https://right"}],
                        "volumeMounts": [{"name": "script", "mountPath": "/app"}],
                    }
                ],
                "volumes": [{"name": "script", "configMap": {"name": "app"}}],
            },
        },
    },
    "status": {"readyReplicas": 1},
}


def differences(one, other, path=""):
    """Return the paths at which two documents differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted(one.keys() | other.keys())
        return [
            found
            for key in keys
            for found in differences(one.get(key), other.get(key), f"{path}.{key}")
        ]
    return [] if one == other else [path]


def test_each_copy_differs_in_its_own_fields_alone():
    """A drill has a single fault, so one repair is enough."""
    before = copy.deepcopy(WHOLE)
    found = {
        made["metadata"]["name"]: differences(
            WHOLE["spec"]["template"]["spec"], made["spec"]["template"]["spec"]
        )
        for made in faulty_copies(WHOLE)
    }
    assert found == {
        "drill-1": [".containers"],
        "drill-2": [".automountServiceAccountToken", ".containers", ".volumes"],
        "drill-3": [".automountServiceAccountToken"],
        "drill-4": [".containers", ".volumes"],
        "drill-5": [".containers"],
    }
    assert before == WHOLE


def test_the_copies_are_five_deployments_with_pods_of_their_own():
    """No copy selects the pods of another, or carries what the server keeps."""
    made = faulty_copies(WHOLE)
    for deployment, name in zip(made, NAMES, strict=True):
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert deployment["metadata"]["name"] == labels["app"] == name
        assert deployment["spec"]["selector"]["matchLabels"] == {"app": name}
        assert deployment.keys() == {"apiVersion", "kind", "metadata", "spec"}


def test_elsewhere_the_token_is_bound_to_what_is_gone(cluster, namespace):
    """No other cluster hands out its key: there it is revoked, and again a 401."""
    token = drills._invalid_token("default", Kind())
    assert Caller.bearer(token).get("/api").status == 401
    verdict = diagnose(token, review_token(token), datetime.now(UTC))
    assert verdict.cause == "revoked" and "secret/gone" in verdict.why


def pod(name, created, **more):
    metadata = {"name": name, "labels": {"app": "app", "more": ""}, **more}
    return {"kind": "Pod", "metadata": {**metadata, "creationTimestamp": created}}


ROLLED_OUT = {"observedGeneration": 3, "updatedReplicas": 1}
NEW = [pod("old", "2026-01-01T00:00:00Z"), pod("new", "2026-01-01T00:00:01Z")]
LEAVES = pod("leaves", "2026-01-01T00:00:02Z", deletionTimestamp="now")
OTHER = pod("other", "2026-01-01T00:00:03Z", labels={"app": "drill-1"})


@pytest.mark.parametrize(
    ("status", "objects", "name"),
    [
        (ROLLED_OUT, [*NEW, LEAVES, OTHER], "new"),
        (ROLLED_OUT, [LEAVES, OTHER], None),
        ({**ROLLED_OUT, "observedGeneration": 2}, NEW, None),
        ({"observedGeneration": 3}, NEW, None),
        ({}, NEW, None),
    ],
)
def test_the_pod_of_the_old_template_is_never_taken_for_the_new(status, objects, name):
    """Until the Deployment's controller has seen the change there is none."""
    selector = {"selector": {"matchLabels": {"app": "app"}}}
    deployment = {"metadata": {"generation": 3}, "spec": selector, "status": status}
    found = drills.pod_of(deployment, objects)
    assert (found and found["metadata"]["name"]) == name
