"""Pods that only have to run: one manifest, and one wait for all of them."""

import json

from helpers.command import Completed, kubectl


def apply(manifest: str | dict | list[dict]) -> Completed:
    """Run `kubectl apply` for YAML, or for one or several objects."""
    if isinstance(manifest, list):
        manifest = {"apiVersion": "v1", "kind": "List", "items": manifest}
    text = manifest if isinstance(manifest, str) else json.dumps(manifest)
    return kubectl("apply", "-f", "-", input=text)


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
