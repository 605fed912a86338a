"""Pods for an API server that has no node: nothing runs them."""


def pod(name: str, **annotations: str) -> dict:
    """Return a pod that sees its labels in a file."""
    item = {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}
    mount = {"name": "labels", "mountPath": "/etc/downward"}
    main = {"name": "main", "image": "toolbox:1", "volumeMounts": [mount]}
    volumes = [{"name": "labels", "downwardAPI": {"items": [item]}}]
    metadata = {"name": name, "labels": {"foo": "bar"}, "annotations": annotations}
    return {"metadata": metadata, "spec": {"containers": [main], "volumes": volumes}}
