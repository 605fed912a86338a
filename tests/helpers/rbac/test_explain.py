"""A real API server denies requests; the proposed Role allows that and no more.

Each form of a refusal is in test_refusals.py; lessons 16, 17, 18 and 21 ask for the
reasons of real ones.
"""

import shlex

import pytest
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import stream

from cluster.tests.running import apply
from helpers.api.caller import Caller
from helpers.api.tokens import create_token
from helpers.command import kubectl
from helpers.rbac.objects import Attributes, kubectl_commands, minimal_objects
from helpers.rbac.refusals import explain

MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture
def token(namespace):
    kubectl("create serviceaccount reader", check=False)
    return create_token("reader")


@pytest.mark.parametrize(
    ("path", "other"),
    [
        ("/api/v1/nodes", "/api/v1/nodes/none"),
        (f"{MAPS}/kube-root-ca.crt", f"{MAPS}/another"),
        ("/", "/metrics"),
    ],
)
def test_the_proposal_allows_that_and_nothing_more(namespace, token, path, other):
    """At the cluster scope, for one object, and for a path; lesson 16 has a list."""
    reader = Caller.bearer(token)
    found = explain(reader.get(path))
    assert found.cause == "not allowed"
    apply(found.manifest)
    try:
        reader.wait_for(200, path)
        assert reader.get(other).status == 403
    finally:
        kubectl("delete", "-f", "-", input=found.manifest)


@pytest.mark.parametrize(
    "attributes",
    [
        Attributes(
            "system:serviceaccount:shop:clerk", "list", "pods", namespace="shop"
        ),
        Attributes(
            "jane@example.com", "get", "deployments", "apps", "scale", "web", "x"
        ),
        Attributes("me $(id)", "delete", "jobs", "batch", name="q", namespace="shop"),
        Attributes("system:serviceaccount:shop:clerk", "watch", "nodes"),
        Attributes("system:serviceaccount:shop:clerk", "get", path="/metrics"),
    ],
)
def test_the_commands_create_what_the_manifest_has(cluster, attributes):
    commands, objects = kubectl_commands(attributes), minimal_objects(attributes)
    for command, expected in zip(commands, objects, strict=True):
        _, *words = shlex.split(command)
        created = kubectl(*words, "--dry-run=client", "-o", "json").json()
        created["metadata"] = {
            key: created["metadata"][key] for key in expected["metadata"]
        }
        assert created == expected


def test_exec_of_the_python_client(cluster, namespace, token):
    """The client's exception holds the refusal in a text of its websocket library."""
    api = config.new_client_from_config(str(cluster.kubeconfig))
    settings = api.configuration
    settings.cert_file = settings.key_file = None
    settings.api_key = {"BearerToken": f"Bearer {token.text}"}
    run = client.CoreV1Api(api).connect_get_namespaced_pod_exec
    with pytest.raises(ApiException) as caught:
        stream(run, "probe", namespace, command=["id"], stdout=True)
    assert caught.value.status == 0
    user = f"system:serviceaccount:{namespace}:reader"
    expected = Attributes(user, "get", "pods", "", "exec", "probe", namespace)
    assert explain(caught.value, token=token).request == expected
