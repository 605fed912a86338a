"""Look at the pod that a Deployment runs now, and at what it wrote last.

A Deployment that is changed replaces its pod, and what the old one wrote says nothing
of the change. What the words mean is for the checks to judge.
"""

from helpers.command import kubectl


def current_pod(deployment: str) -> dict | None:
    """Return the pod of a Deployment as it is written now; None while there is none.

    Raise KubectlFailed if there is no such Deployment.
    """
    found = kubectl("get", "deployment", deployment, "-o", "json").json()
    labels = found["spec"]["selector"]["matchLabels"].items()
    selector = ",".join(f"{key}={value}" for key, value in labels)
    pods = kubectl("get", "pods", f"--selector={selector}", "-o", "json").json()
    return pod_of(found, pods["items"])


def current_pods(selector: str) -> dict[str, dict | None]:
    """Return the same for all Deployments with a label, by name; one question."""
    kinds = "deployments,pods"
    found = kubectl("get", kinds, f"--selector={selector}", "-o", "json").json()
    items = found["items"]
    return {
        one["metadata"]["name"]: pod_of(one, items)
        for one in items
        if one["kind"] == "Deployment"
    }


def pod_of(deployment: dict, objects: list[dict]) -> dict | None:
    """Choose the pod of a Deployment's newest template from objects; pure."""
    status = deployment.get("status", {})
    generation = deployment["metadata"]["generation"]
    # Before that, the pod of the Deployment as it was may still be there.
    if status.get("observedGeneration", 0) < generation:
        return None
    if not status.get("updatedReplicas"):
        return None
    labels = deployment["spec"]["selector"]["matchLabels"].items()
    alive = [
        one
        for one in objects
        if one["kind"] == "Pod"
        and "deletionTimestamp" not in one["metadata"]
        and labels <= one["metadata"]["labels"].items()
    ]
    return max(alive, key=lambda p: p["metadata"]["creationTimestamp"], default=None)


def last_words(pod: str) -> str:
    """Return the last line that a pod wrote; "" before the first.

    The same as `kubectl logs POD --tail=1`.
    """
    done = kubectl("logs", pod, "--tail=1", check=False)
    return "" if done.exit_code else done.stdout.strip()
