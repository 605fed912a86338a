"""A 401 or 403 is explained, and what is proposed allows just what was refused."""

import contextlib
from datetime import UTC, datetime

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import stream

from cluster import errors
from helpers.access import attempt_of, explain, forbidden, unauthorized
from helpers.caller import Caller
from helpers.command import Completed, kubectl
from helpers.pods import apply, exec_in_pod, wait_for
from helpers.rbac import Attempt, Objects, minimal, to_yaml
from helpers.reviews import can_i
from helpers.statuses import Refusal
from helpers.tokens import Token, backdate, create_token, tamper

READER = "system:serviceaccount:home:reader"
WHO = f'User "{READER}" cannot '
NOW = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.mark.parametrize(
    ("message", "attempt"),
    [
        (
            f'pods is forbidden: {WHO}list resource "pods" in API group "" in the '
            'namespace "home"',
            Attempt(READER, "list", "pods", namespace="home"),
        ),
        (
            f'nodes is forbidden: {WHO}watch resource "nodes" in API group "" at the '
            "cluster scope",
            Attempt(READER, "watch", "nodes"),
        ),
        (
            f'jobs.batch "my-job" is forbidden: {WHO}delete resource "jobs" in API '
            'group "batch" in the namespace "home"',
            Attempt(READER, "delete", "jobs", "batch", "", "my-job", "home"),
        ),
        (
            f'pods "q" is forbidden: {WHO}get resource "pods/log" in API group "" in '
            'the namespace "home"',
            Attempt(READER, "get", "pods", "", "log", "q", "home"),
        ),
        (
            f'forbidden: {WHO}get path "/metrics"',
            Attempt(READER, "get", path="/metrics"),
        ),
        (
            f'pods is forbidden: {WHO}list resource "pods" in API group "" in the '
            'namespace "home": RBAC: role.rbac.authorization.k8s.io "x" not found',
            Attempt(READER, "list", "pods", namespace="home"),
        ),
        ('pods "q" is forbidden: exceeded quota: small', None),
    ],
)
def test_the_sentence_is_taken_apart(message, attempt):
    assert attempt_of(Refusal(403, message)) == attempt


@pytest.mark.parametrize(
    ("words", "subresource", "namespace"),
    [
        ((), "exec", "home"),
        (("curl", "https://x/api/v1/namespaces/away/pods/q/attach"), "attach", "away"),
    ],
)
def test_the_sentence_that_ends_after_its_colon(words, subresource, namespace):
    """Who sent it is not in there; the missing verb is always `create`."""
    refusal = Refusal(403, 'pods "q" is forbidden: ', words=words)
    expected = Attempt(READER, "create", "pods", "", subresource, "q", namespace)
    assert attempt_of(refusal, user="reader", namespace="home") == expected
    assert attempt_of(refusal, namespace="home").user == ""


LIST = Attempt(READER, "list", "pods", namespace="home")
SENTENCE = (
    f'pods is forbidden: {WHO}list resource "pods" in API group "" in the namespace '
    '"home"'
)


def test_an_explanation_in_words():
    """The repr is for terminals, the Markdown for notebooks; both hold the YAML."""
    told = forbidden(Refusal(403, SENTENCE), LIST, Objects([], []))
    manifest = to_yaml(minimal(LIST))
    assert (told.code, told.cause, told.attempt) == (403, "not allowed", LIST)
    assert told.manifest == manifest
    assert repr(told).splitlines()[:6] == [
        f"403, not allowed: {SENTENCE}",
        f"  who: {READER}",
        "  verb: list",
        '  API group: ""',
        "  resource: pods",
        "  where: namespace home",
    ]
    assert repr(told).endswith(manifest.rstrip())
    shown = told._repr_markdown_()
    assert f"| who | {READER} |" in shown and f"```\n{manifest}```" in shown
    assert told.brief == told.why == told.brief._repr_markdown_()


@pytest.mark.parametrize(
    ("message", "cause", "says"),
    [
        ('pods "q" is forbidden: exceeded quota: x', "refused by admission", "Quota"),
        ('pods "q" is forbidden: violates PodSecurity "r"', "refused by admission", ""),
        (
            'pods "q" is forbidden: unable to create new content in namespace x '
            "because it is being terminated",
            "refused by admission",
            "being deleted",
        ),
        (
            'pods "q" is forbidden: error looking up service account home/x: '
            'serviceaccount "x" not found',
            "refused by admission",
            "ServiceAccount",
        ),
        (
            'roles.rbac.authorization.k8s.io "r" is forbidden: user "jane" '
            "(groups=[]) is attempting to grant RBAC permissions not currently held:",
            "escalation",
            "grant",
        ),
        ('pods "q" is forbidden: my policy says no', "refused by admission", ""),
    ],
)
def test_not_every_403_is_about_roles(message, cause, says):
    """No Role mends these, so none is proposed."""
    told = forbidden(Refusal(403, message), None)
    assert (told.cause, told.manifest) == (cause, "")
    assert says in told.why


def test_what_the_server_adds_is_told():
    added = f'{SENTENCE}: RBAC: role.rbac.authorization.k8s.io "typo" not found'
    told = forbidden(Refusal(403, added), LIST)
    assert 'It adds: RBAC: role.rbac.authorization.k8s.io "typo" not found.' in told.why


def test_nobody_gets_no_role():
    """To grant something to strangers is never the way out."""
    message = 'forbidden: User "system:anonymous" cannot get path "/api"'
    refusal = Refusal(403, message)
    told = forbidden(refusal, attempt_of(refusal))
    assert (told.cause, told.manifest) == ("no credential", "")
    assert "Never grant" in told.way_out


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (("exec", "q", "--", "curl", "-sk", "https://x/api"), "no credential"),
        (("exec", "q", "--", "curl", "-H", "Authorization: Bearer x"), "unknown"),
        (("exec", "q", "--", "curl", "--cert", "c.pem", "https://x"), "unknown"),
        (("get", "pods"), "unknown"),
        ((), "unknown"),
    ],
)
def test_a_401_without_a_token_to_look_at(words, cause):
    """Where strangers are not let in at all, it may be that nothing was sent."""
    told = unauthorized(Refusal(401, "Unauthorized", words=words), None, None, NOW)
    assert (told.cause, told.manifest, told.attempt) == (cause, "", None)


def test_a_path_of_its_own_warns_before_it_opens():
    attempt = Attempt(READER, "get", path="/")
    told = forbidden(Refusal(403, f'forbidden: {WHO}get path "/"'), attempt)
    assert "Usually none is needed" in told.way_out
    assert "nonResourceURLs: [/]" in told.manifest


# From here on the API server is asked.

POD = """
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
    apply(POD)
    wait_for("condition=Ready", "pod/probe")
    return namespace


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


def gained(before):
    after = can_i("reader", VERBS, ROWS)
    changed = after.ne(before).stack()
    return [place for place, is_new in changed.items() if is_new]


@pytest.mark.parametrize(
    ("path", "row", "verb"),
    [
        ("/api/v1/namespaces/{}/pods", "pods", "list"),
        ("/apis/batch/v1/namespaces/{}/jobs?watch=1&timeoutSeconds=1", None, None),
        ("/api/v1/namespaces/default/secrets", "secrets -n default", "list"),
        ("/api/v1/nodes", "nodes -A", "list"),
    ],
)
def test_the_proposal_allows_that_and_nothing_more(namespace, reader, path, row, verb):
    """In our namespace, in another, and at the cluster scope."""
    path = path.format(namespace)
    told = explain(reader.get(path))
    row, verb = row or "jobs.batch", verb or "watch"
    assert (told.cause, told.attempt.verb) == ("not allowed", verb)
    before = can_i("reader", VERBS, ROWS)
    with applied(told.manifest):
        reader.wait_for(200, path)
        assert gained(before) == [(row, verb)]
    reader.wait_for(403, path)


def test_the_proposal_for_one_object_allows_no_other(namespace, reader):
    secrets = f"/api/v1/namespaces/{namespace}/secrets"
    told = explain(reader.get(f"{secrets}/wanted"))
    before = can_i("reader", VERBS, ROWS)
    with applied(told.manifest):
        reader.wait_for(200, f"{secrets}/wanted")
        assert reader.get(f"{secrets}/another").status == 403
        assert reader.request("DELETE", f"{secrets}/wanted").status == 403
        assert gained(before) == []


def test_the_proposal_for_a_path_opens_this_path(namespace, reader):
    told = explain(reader.get("/"))
    assert told.attempt == Attempt(told.attempt.user, "get", path="/")
    with applied(told.manifest):
        reader.wait_for(200, "/")
        assert reader.get("/metrics").status == 403


HALF = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: half}}
rules: [{{apiGroups: [""], resources: [pods, pods/exec, pods/log], verbs: [get]}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: half}}
subjects: [{{kind: ServiceAccount, name: reader, namespace: {}}}]
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: half}}
"""


def exec_by_client(cluster, namespace, token):
    """Run a command in the pod by the Python client, as the bearer of the token."""
    api = cluster.api_client()
    settings = api.configuration
    settings.cert_file = settings.key_file = None
    settings.api_key = {"BearerToken": f"Bearer {token.text}"}
    core = client.CoreV1Api(api)
    # Opened and shut by hand: after the server's close frame the library's own
    # `close()` does nothing, and the socket is left to the collector.
    channel = stream(
        core.connect_get_namespaced_pod_exec,
        "probe",
        namespace,
        command=["echo", "done"],
        stdout=True,
        stderr=True,
        stdin=False,
        tty=False,
        _preload_content=False,
    )
    channel.run_forever(timeout=10)
    try:
        return channel.read_all()
    finally:
        channel.sock.shutdown()


def test_exec_with_get_alone_is_refused_without_a_reason(
    cluster, namespace, reader, token
):
    """And the proposal cures it, in both clients; for this one pod, and no other."""
    pods = f"/api/v1/namespaces/{namespace}/pods"
    with applied(HALF.format(namespace)):
        reader.wait_for(200, f"{pods}/probe/log")
        with pytest.raises(ApiException) as caught:
            exec_by_client(cluster, namespace, token)
        assert caught.value.status == 0
        refused = reader.get(f"{pods}/probe/exec?command=id&stdout=true")
        assert refused.json()["message"].endswith("is forbidden: ")
        by_client = explain(caught.value, user="reader")
        by_hand = explain(refused, token=token)
        user = f"system:serviceaccount:{namespace}:reader"
        expected = Attempt(user, "create", "pods", "", "exec", "probe", namespace)
        assert by_client.attempt == by_hand.attempt == expected
        assert "the verb `create` as well" in by_hand.why
        assert (
            explain(refused).manifest == "" and "user=NAME" in explain(refused).way_out
        )
        with applied(by_hand.manifest):
            reader.wait_for(400, f"{pods}/probe/exec?command=id&stdout=true")
            assert exec_by_client(cluster, namespace, token) == "done\n"
            assert reader.request("POST", f"{pods}/other/exec").status == 403
            assert reader.request("POST", f"{pods}/probe/attach").status == 403


def test_the_five_ways_to_be_refused_are_told_apart(cluster, namespace, token):
    """With the token at hand the server itself is asked for its reason."""
    kubectl("create", "serviceaccount", "leaver")
    revoked = create_token("leaver")
    kubectl("delete", "serviceaccount", "leaver")
    # The server learns of it by a watch, and remembers a good answer for 10 s.
    Caller.bearer(revoked).wait_for(401, "/api")
    shown = {
        "no credential": None,
        "not a token": Token("garbage"),
        "bad signature": tamper(token, sub="system:admin"),
        "expired": backdate(cluster, token, expired_for=3600),
        "wrong audience": create_token("reader", audience="vault"),
        "revoked": revoked,
        "not allowed": token,
    }
    path = f"/api/v1/namespaces/{namespace}/secrets"
    answers = {cause: Caller.bearer(one).get(path) for cause, one in shown.items()}
    told = {cause: explain(answers[cause], token=shown[cause]) for cause in shown}
    assert {cause: one.cause for cause, one in told.items()} == {c: c for c in shown}
    codes = {cause: one.code for cause, one in told.items()}
    only_known = {"no credential": 403, "not allowed": 403}
    assert codes == {**dict.fromkeys(shown, 401), **only_known}
    texts = [one.text for one in shown.values() if one and one.text != "garbage"]
    assert not any(text in repr(list(told.values())) for text in texts)


def test_curl_and_kubectl_in_a_pod(namespace):
    """What a learner sees in a pod is explained as well as what they see here."""
    mounted = "/var/run/secrets/kubernetes.io/serviceaccount"
    ask = (
        f'curl -s --cacert {mounted}/ca.crt -H "Authorization: Bearer '
        f'$(cat {mounted}/token)" https://kubernetes.default.svc'
    )
    by_curl = explain(exec_in_pod("probe", "sh", "-c", f"{ask}/api/v1/nodes"))
    by_kubectl = explain(exec_in_pod("probe", "kubectl", "get", "nodes"))
    user = f"system:serviceaccount:{namespace}:reader"
    assert by_curl.attempt == by_kubectl.attempt == Attempt(user, "list", "nodes")
    nobody = explain(
        exec_in_pod("probe", "curl", "-sk", "https://kubernetes.default.svc/api")
    )
    assert nobody.cause == "no credential"
    bad = exec_in_pod("probe", "kubectl", "--token=garbage", "get", "pods")
    assert explain(bad, token=Token("garbage")).cause == "not a token"


def test_a_refusal_of_the_python_client(cluster, namespace):
    """`--as` and the like: the exception tells who was impersonated."""
    api = cluster.api_client()
    user = f"system:serviceaccount:{namespace}:reader"
    api.set_default_header("Impersonate-User", user)
    with pytest.raises(ApiException) as caught:
        client.BatchV1Api(api).list_namespaced_job(namespace)
    expected = Attempt(user, "list", "jobs", "batch", namespace=namespace)
    assert explain(caught.value).attempt == expected


def test_a_refusal_of_kubectl(namespace):
    user = f"system:serviceaccount:{namespace}:reader"
    with pytest.raises(errors.KubectlFailed) as caught:
        kubectl("delete", "secret", "wanted", f"--as={user}")
    expected = Attempt(user, "delete", "secrets", "", "", "wanted", namespace)
    assert explain(caught.value).attempt == expected


def test_a_binding_that_nearly_fits_is_named(namespace, reader):
    """The most frequent mistake: the binding names another account."""
    wrong = HALF.format(namespace).replace("name: reader", "name: default")
    with applied(wrong):
        told = explain(reader.get(f"/api/v1/namespaces/{namespace}/pods/probe"))
    assert (
        f"RoleBinding `half` allows it to ServiceAccount `default` of namespace "
        f"{namespace}, not to ServiceAccount `reader`" in told.why
    )


def test_admission_refuses_with_403_too(namespace):
    """A real one: a pod with an account that is not there."""
    pod = (
        '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": '
        '{"serviceAccountName": "ghost", "containers": [{"name": "c", "image": "i"}]}}'
    )
    done = kubectl("create", "-f", "-", input=pod, check=False)
    assert explain(done).cause == "refused by admission"


def test_without_a_cluster_the_answer_alone_is_explained(monkeypatch):
    """Nothing is asked before `connect()`; the sentence still says a lot."""
    monkeypatch.setattr("helpers.command._kubeconfig", None)
    monkeypatch.delenv("KUBECONFIG", raising=False)
    told = explain(Completed(["get", "pods"], "", f"x (Forbidden): {SENTENCE}\n", 1))
    assert told.attempt == LIST and told.manifest == to_yaml(minimal(LIST))
    assert (
        explain(
            {"kind": "Status", "code": 401, "message": "Unauthorized"},
            token=Token("garbage"),
        ).cause
        == "not a token"
    )
