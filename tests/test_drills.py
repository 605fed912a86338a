"""Copies of an application are broken in one way each, and in nothing else."""

import copy

from helpers.drills import ELSEWHERE, FILES, NAMES, broken

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


def test_the_copies_are_five_deployments_with_pods_of_their_own():
    """No copy selects the pods of another, or carries what the server keeps."""
    made = broken(WHOLE)
    for deployment, name in zip(made, NAMES, strict=True):
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert deployment["metadata"]["name"] == labels["app"] == name
        assert deployment["spec"]["selector"]["matchLabels"] == {"app": name}
        assert deployment.keys() == {"apiVersion", "kind", "metadata", "spec"}


def test_the_whole_one_is_left_alone():
    """It stays as it was read."""
    before = copy.deepcopy(WHOLE)
    broken(WHOLE)
    assert before == WHOLE


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
