"""The aggregation layer: an API server in a pod answers through the cluster's."""

import base64
import json
from pathlib import Path

import pytest
from cryptography import x509

from cluster.tests.authority import Authority
from cluster.tests.whole.lab import ONCE, Lab, full

pytestmark = [*ONCE, full]

GROUP = "lab.example"
NAME = "aggregated"
PORT = 8443
PROGRAM = Path(__file__).with_name("aggregated.py").read_text()


@pytest.fixture
def aggregated(lab):
    """Return the cluster with an aggregated API server that is available."""
    authority = Authority("aggregated-ca")
    names = [x509.DNSName(f"{NAME}.default.svc")]
    service = {"name": NAME, "namespace": "default", "port": PORT}
    reader = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": NAME, "namespace": "kube-system"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "Role",
            "name": "extension-apiserver-authentication-reader",
        },
        "subjects": [
            {"kind": "ServiceAccount", "name": "default", "namespace": "default"}
        ],
    }
    objects = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": NAME},
            "stringData": {"tls.pem": authority.issue(NAME, *names)},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": NAME},
            "spec": {"selector": {"app": NAME}, "ports": [{"port": PORT}]},
        },
        reader,
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": f"v1.{GROUP}"},
            "spec": {
                "group": GROUP,
                "version": "v1",
                "service": service,
                "caBundle": base64.b64encode(authority.pem.encode()).decode(),
                "groupPriorityMinimum": 1000,
                "versionPriority": 10,
            },
        },
    ]
    manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    lab.kubectl("apply", "-f", "-", input=manifest)
    try:
        lab.run_pod(
            NAME,
            volumes=[{"name": "tls", "secret": {"secretName": NAME}}],
            container={
                "command": ["python3", "-c", PROGRAM],
                "volumeMounts": [{"name": "tls", "mountPath": "/tls"}],
            },
        )
        lab.kubectl("label", "pod", NAME, f"app={NAME}")
        lab.kubectl(
            "wait",
            "--for=condition=Available",
            f"apiservice/v1.{GROUP}",
            "--timeout=50s",
        )
        yield lab
    finally:
        # An APIService that is left behind keeps every namespace from being deleted.
        lab.kubectl("delete", "-f", "-", input=manifest)
        lab.kubectl("delete", "pod", NAME, "--ignore-not-found")


def ask(lab: Lab, *options: str) -> dict:
    return json.loads(lab.kubectl("get", "--raw", f"/apis/{GROUP}/v1/who", *options))


def test_an_aggregated_api_server_learns_who_is_asking(aggregated):
    assert ask(aggregated)["user"] == "kubernetes-admin"
    somebody = ask(aggregated, "--as=jane", "--as-group=kubeadm:cluster-admins")
    assert somebody["user"] == "jane"
    assert "kubeadm:cluster-admins" in somebody["groups"]
    # A client without the front proxy's certificate could claim anything.
    by_hand = f"curl -sk -H 'X-Remote-User: jane' https://127.0.0.1:{PORT}/ || echo no"
    assert aggregated.sh(NAME, by_hand) == "no\n"


@pytest.mark.parametrize("name", ["kube-controller-manager", "kube-scheduler"])
def test_a_component_knows_the_front_proxy_as_well(lab, name):
    """A component that does not know it complains, at least once a minute."""
    assert "missing content for CA bundle" not in lab.backend.log(name, 10_000)
