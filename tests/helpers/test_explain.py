"""A real API server denies requests; the proposed Role allows that and no more.

What lessons 16, 17 and 21 assert is left to them: why it was 401, what mends exec.
"""

import contextlib

import pytest
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import stream

from helpers import errors
from helpers.caller import Caller
from helpers.command import kubectl
from helpers.pods import exec_in_pod, wait_for
from helpers.rbac import Attributes
from helpers.refusals import explain
from helpers.reviews import can_i
from helpers.tokens import Token, backdate, create_token
from tests.running import apply

OBJECTS = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader}
---
apiVersion: v1
kind: Pod
metadata: {name: probe}
spec:
  serviceAccountName: reader
  terminationGracePeriodSeconds: 1
  containers: [{name: main, image: "toolbox:1", command: [sleep, infinity]}]
---
apiVersion: v1
kind: Secret
metadata: {name: wanted}
"""
VERBS = "get list watch create update patch delete deletecollection".split()
ROWS = ["pods", "pods/exec", "secrets", "jobs.batch", "secrets -n default", "nodes -A"]


@pytest.fixture(scope="module")
def namespace(namespace):
    apply(OBJECTS)
    wait_for("condition=Ready", "pod/probe")
    return namespace


@pytest.fixture
def user(namespace):
    return f"system:serviceaccount:{namespace}:reader"


@pytest.fixture
def token(namespace):
    return create_token("reader")


@pytest.fixture
def reader(token):
    return Caller.bearer(token)


@contextlib.contextmanager
def applied(manifest):
    """Apply a manifest for this block only, whatever its scope."""
    apply(manifest)
    try:
        yield
    finally:
        kubectl("delete", "-f", "-", input=manifest)


@pytest.mark.parametrize(
    ("path", "others", "gained"),
    [
        ("/api/v1/namespaces/{}/pods", [], ("pods", "list")),
        ("/api/v1/namespaces/default/secrets", [], ("secrets -n default", "list")),
        ("/api/v1/nodes", ["/api/v1/nodes/none"], ("nodes -A", "list")),
        (
            "/api/v1/namespaces/{}/secrets/wanted",
            ["/api/v1/namespaces/{}/secrets/another"],
            None,
        ),
        ("/", ["/metrics"], None),
    ],
)
def test_the_proposal_allows_that_and_nothing_more(
    namespace, reader, path, others, gained
):
    """In our namespace, in another, at the cluster scope, one object, and a path."""
    path = path.format(namespace)
    found = explain(reader.get(path))
    assert found.cause == "not allowed"
    before = can_i("reader", VERBS, ROWS)
    with applied(found.manifest):
        reader.wait_for(200, path)
        changed = can_i("reader", VERBS, ROWS).ne(before).stack()
        assert [*changed[changed].index] == ([gained] if gained else [])
        for other in others:
            assert reader.get(other.format(namespace)).status == 403
    reader.wait_for(403, path)


def test_exec_of_the_python_client(cluster, namespace, user, token):
    """With `get` alone, its exception says neither who was denied, nor which verb."""
    reference = {"group": "rbac.authorization.k8s.io", "user": user}
    apply(HALF.format(**reference))
    Caller.bearer(token).wait_for(200, f"/api/v1/namespaces/{namespace}/pods/probe/log")
    api = config.new_client_from_config(str(cluster.kubeconfig))
    settings = api.configuration
    settings.cert_file = settings.key_file = None
    settings.api_key = {"BearerToken": f"Bearer {token.text}"}
    run = client.CoreV1Api(api).connect_get_namespaced_pod_exec
    with pytest.raises(ApiException) as caught:
        stream(run, "probe", namespace, command=["id"], stdout=True)
    assert caught.value.status == 0
    found = explain(caught.value, token=token)
    expected = Attributes(user, "create", "pods", "", "exec", "probe", namespace)
    assert found.request == expected
    assert "token=TOKEN" in explain(caught.value).way_out


HALF = """
apiVersion: {group}/v1
kind: Role
metadata: {{name: half}}
rules: [{{apiGroups: [""], resources: [pods/exec, pods/log], verbs: [get]}}]
---
apiVersion: {group}/v1
kind: RoleBinding
metadata: {{name: half}}
subjects: [{{kind: User, apiGroup: {group}, name: "{user}"}}]
roleRef: {{apiGroup: {group}, kind: Role, name: half}}
"""


def test_a_token_that_expired(cluster, namespace, token):
    """The one cause that the lesson shows only where the signing key is at hand."""
    old = backdate(cluster, token, expired_for=3600)
    denied = Caller.bearer(old).get("/api")
    found = explain(denied, token=old)
    assert (found.code, found.cause) == (401, "expired")
    assert old.text not in repr(found)


def test_curl_and_kubectl_in_a_pod(user):
    """What a learner sees in a pod is explained as well as what they see here."""
    mounted = "/var/run/secrets/kubernetes.io/serviceaccount"
    ask = (
        f'curl -s --cacert {mounted}/ca.crt -H "Authorization: Bearer '
        f'$(cat {mounted}/token)" https://kubernetes.default.svc'
    )
    by_curl = explain(exec_in_pod("probe", "sh", "-c", f"{ask}/api/v1/nodes"))
    by_kubectl = explain(exec_in_pod("probe", "kubectl", "get", "nodes"))
    assert by_curl.request == by_kubectl.request == Attributes(user, "list", "nodes")
    nobody = explain(
        exec_in_pod("probe", "curl", "-sk", "https://kubernetes.default.svc/api")
    )
    assert nobody.cause == "no credential"
    bad = exec_in_pod("probe", "kubectl", "--token=garbage", "get", "pods")
    assert explain(bad, token=Token("garbage")).cause == "not a token"


def test_kubectl_on_this_machine(namespace, user):
    with pytest.raises(errors.KubectlFailed) as caught:
        kubectl("delete", "secret", "wanted", f"--as={user}")
    expected = Attributes(user, "delete", "secrets", "", "", "wanted", namespace)
    assert explain(caught.value).request == expected


def test_admission_refuses_with_403_too(namespace):
    """A real one: a pod whose account does not exist."""
    pod = (
        '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": '
        '{"serviceAccountName": "ghost", "containers": [{"name": "c", "image": "i"}]}}'
    )
    done = kubectl("create", "-f", "-", input=pod, check=False)
    assert explain(done).cause == "refused by admission"
