"""Have a cluster enforce `baseline` in namespaces of lessons, as a school's may do."""

import contextlib
import json
from collections.abc import Iterator

from cluster.existing.rules import LABEL, MANAGER
from cluster.waiting import until
from helpers import kubectl

#: what a namespace is labelled with, and by what `kubectl label namespace` changes it
ENFORCE = "pod-security.kubernetes.io/enforce"
_GROUP, _NAME = "admissionregistration.k8s.io/v1", "baseline-of-lessons"
_RULE = {
    "apiGroups": [""],
    "apiVersions": ["v1"],
    "operations": ["CREATE"],
    "resources": ["namespaces"],
}
_LABELS = f'Object.metadata{{labels: {{"{ENFORCE}": "baseline"}}}}'
_POLICY = {
    "failurePolicy": "Fail",
    "reinvocationPolicy": "Never",
    "matchConstraints": {
        "resourceRules": [_RULE],
        "objectSelector": {"matchLabels": {LABEL: MANAGER}},
    },
    "mutations": [
        {
            "patchType": "ApplyConfiguration",
            "applyConfiguration": {"expression": f"Object{{metadata: {_LABELS}}}"},
        }
    ],
}


@contextlib.contextmanager
def baseline() -> Iterator[None]:
    """Enforce it in namespaces that are made in this block, once that counts."""
    policy, binding = (
        {
            "apiVersion": _GROUP,
            "kind": f"MutatingAdmissionPolicy{suffix}",
            "metadata": {"name": _NAME},
            "spec": spec,
        }
        for suffix, spec in (("", _POLICY), ("Binding", {"policyName": _NAME}))
    )
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": [policy, binding]})
    kubectl("apply", "-f", "-", input=text)
    try:
        assert until(_counts, 30)
        yield
    finally:
        kubectl("delete", "-f", "-", input=text)


def _counts() -> bool:
    metadata = {"name": _NAME, "labels": {LABEL: MANAGER}}
    probe = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    words = ("create", "-f", "-", "--dry-run=server", "-o", "json")
    made = kubectl(*words, input=json.dumps(probe)).json()
    return made["metadata"]["labels"].get(ENFORCE) == "baseline"
