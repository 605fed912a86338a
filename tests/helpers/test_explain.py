"""A real API server denies requests; the proposed Role allows that and no more.

Each form of a refusal is in test_refusals.py; lessons 16, 17, 18 and 21 ask for the
reasons of real ones.
"""

import pytest
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import stream

from helpers.caller import Caller
from helpers.command import kubectl
from helpers.rbac import Attributes
from helpers.refusals import explain
from helpers.reviews import can_i
from helpers.tokens import create_token
from tests.running import apply

VERBS = "get list watch create update patch delete deletecollection".split()
ROWS = ["pods", "pods/exec", "secrets", "jobs.batch", "secrets -n default", "nodes -A"]


@pytest.fixture
def token(namespace):
    kubectl("create serviceaccount reader", check=False)
    return create_token("reader")


@pytest.mark.parametrize(
    ("path", "other", "gained"),
    [
        ("/api/v1/namespaces/{}/pods", "", ("pods", "list")),
        ("/api/v1/namespaces/default/secrets", "", ("secrets -n default", "list")),
        ("/api/v1/nodes", "/api/v1/nodes/none", ("nodes -A", "list")),
        (
            "/api/v1/namespaces/{}/configmaps/kube-root-ca.crt",
            "/api/v1/namespaces/{}/configmaps/another",
            None,
        ),
        ("/", "/metrics", None),
    ],
)
def test_the_proposal_allows_that_and_nothing_more(
    namespace, token, path, other, gained
):
    """In our namespace, in another, at the cluster scope, one object, and a path."""
    path, reader = path.format(namespace), Caller.bearer(token)
    found = explain(reader.get(path))
    assert found.cause == "not allowed"
    before = can_i("reader", VERBS, ROWS)
    apply(found.manifest)
    try:
        reader.wait_for(200, path)
        changed = can_i("reader", VERBS, ROWS).ne(before).stack()
        assert [*changed[changed].index] == ([gained] if gained else [])
        if other:
            assert reader.get(other.format(namespace)).status == 403
    finally:
        kubectl("delete", "-f", "-", input=found.manifest)
    reader.wait_for(403, path)


def test_exec_of_the_python_client(cluster, namespace, token):
    """Its exception has the refusal in a text of the library below it."""
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
