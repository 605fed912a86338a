"""Copies of an application are broken in one way each, and in nothing else."""

import copy

import pytest

from helpers import errors, kubectl
from helpers.drills import (
    ELSEWHERE,
    FILES,
    NAMES,
    broken,
    current_pod,
    last_words,
)
from tests.running import apply
from tests.waiting import until

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
    """What is wrong with a drill is one thing, so one repair is enough."""
    before = copy.deepcopy(WHOLE)
    found = {
        made["metadata"]["name"]: differences(
            WHOLE["spec"]["template"]["spec"], made["spec"]["template"]["spec"]
        )
        for made in broken(WHOLE)
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
    made = broken(WHOLE)
    for deployment, name in zip(made, NAMES, strict=True):
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert deployment["metadata"]["name"] == labels["app"] == name
        assert deployment["spec"]["selector"]["matchLabels"] == {"app": name}
        assert deployment.keys() == {"apiVersion", "kind", "metadata", "spec"}


def test_what_is_broken_is_what_the_issue_names():
    """Wrong name, no ca.crt, no files, a copied token, another namespace."""
    name, tls, _, copied, elsewhere = (
        made["spec"]["template"]["spec"] for made in broken(WHOLE)
    )
    assert env(name) == {"SERVER": "https://kubernetes"}
    files = tls["volumes"][0]["projected"]["sources"]
    assert [kind for one in files for kind in one] == [
        "serviceAccountToken",
        "downwardAPI",
    ]
    assert {"name": "files", "mountPath": FILES} in tls["containers"][0]["volumeMounts"]
    assert env(copied)["TOKEN"] == "/copied/token"
    assert env(elsewhere)["NAMESPACE"] == ELSEWHERE


def env(spec):
    return {e["name"]: e["value"] for e in spec["containers"][0]["env"]}


DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "talks"},
    "spec": {
        "selector": {"matchLabels": {"app": "talks"}},
        "strategy": {"type": "Recreate"},
        "template": {
            "metadata": {"labels": {"app": "talks"}},
            "spec": {
                # sh as PID 1 is deaf to SIGTERM: a pod that had already started would
                # stay for 30 s, and Recreate waits for it.
                "terminationGracePeriodSeconds": 1,
                "containers": [
                    {
                        "name": "main",
                        "image": "toolbox:1",
                        "args": ["sh", "-c", "echo one; echo $SAY; sleep infinity"],
                        "env": [{"name": "SAY", "value": "two"}],
                    }
                ],
            },
        },
    },
}


@pytest.fixture(scope="module")
def talks(namespace):
    apply(DEPLOYMENT)


def says(pod):
    return env(pod["spec"])["SAY"]


def test_the_last_line_is_what_it_wrote_last(talks):
    """Before it runs there is none, and that is no error."""
    pod = until(lambda: current_pod("talks"))["metadata"]["name"]
    assert until(lambda: last_words(pod)) in ("one", "two")
    until(lambda: last_words(pod) == "two")
    assert last_words("no-such-pod") == ""


def test_the_pod_of_the_old_template_is_never_taken_for_the_new(talks):
    """Asked at once after each change, when the old pod may well be there still."""
    for word in ("three", "four", "five"):
        kubectl("set", "env", "deployment/talks", f"SAY={word}")
        assert says(until(lambda: current_pod("talks"))) == word


def test_what_is_not_there_is_told(namespace):
    with pytest.raises(errors.KubectlFailed, match="not found"):
        current_pod("silent")
