"""Pods that only have to run: one manifest, and one wait for all of them."""

from helpers.command import kubectl
from helpers.pods import apply


def sleeper(name: str, *, labels: dict | None = None, **container) -> dict:
    """Return the manifest of a pod that sleeps, with a container changed."""
    main = {"name": "main", "image": "toolbox:1", "command": ["sleep", "infinity"]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels or {}},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [main | container],
        },
    }


def run(*manifests: dict) -> None:
    """Apply all manifests in one go, and wait until the pods among them are Ready."""
    apply([*manifests])
    pods = [one["metadata"]["name"] for one in manifests if one["kind"] == "Pod"]
    names = [f"pod/{name}" for name in pods]
    kubectl("wait", "--for=condition=Ready", *names, "--timeout=120s", timeout=130)
