"""One request from a real pod is followed to the end, and to each place it can stop."""

import pytest

from cluster import errors
from helpers import checks, exec_in_pod, wait_for
from helpers.journeys import FILES, STEPS, STOPPED
from helpers.podrequests import follow_request
from helpers.pods import apply
from helpers.tokens import MOUNTED

IMAGE_CA = "/etc/ssl/certs/ca-certificates.crt"


def sleeper(name: str, **spec) -> dict:
    main = {"name": "main", "image": "toolbox:1", "command": ["sleep", "infinity"]}
    spec = {"terminationGracePeriodSeconds": 1, "containers": [main], **spec}
    metadata = {"name": name}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


@pytest.fixture(scope="module")
def namespace(namespace):
    """Return a namespace with an account that may list its pods, and two pods."""
    group = "rbac.authorization.k8s.io"
    account = {"kind": "ServiceAccount", "name": "app", "namespace": namespace}
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}
    reader = {"apiVersion": f"{group}/v1", "metadata": {"name": "reader"}}
    reference = {"apiGroup": group, "kind": "Role", "name": "reader"}
    apply(
        [
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "app"}},
            {**reader, "kind": "Role", "rules": [rule]},
            {
                **reader,
                "kind": "RoleBinding",
                "roleRef": reference,
                "subjects": [account],
            },
            sleeper("app", serviceAccountName="app"),
            sleeper("bare", automountServiceAccountToken=False),
        ]
    )
    wait_for("condition=Ready", "pod/app")
    wait_for("condition=Ready", "pod/bare")
    return namespace


@pytest.fixture(scope="module")
def pods(namespace):
    return f"/api/v1/namespaces/{namespace}/pods"


def test_an_allowed_request_takes_all_steps(namespace, pods):
    """The rule is the one that we made, and the token is nowhere."""
    journey = follow_request("app", pods)
    assert journey.stopped_at == ""
    account = f"system:serviceaccount:{namespace}:app"
    assert journey.step("authentication").answer == account
    rule = journey.step("authorization")
    assert rule.answer.startswith(f'RBAC: allowed by RoleBinding "reader/{namespace}"')
    assert "list" in dict(rule.facts)["rule of reader"]
    assert "PodList of 2" in journey.step("answer").answer
    tls = dict(journey.step("TLS").facts)
    assert tls["verified with"].endswith("in ca.crt")
    assert tls["without this file"] == "unable to get local issuer certificate"
    frame = journey.frame().set_index("STEP")["MILLISECONDS"]
    measured = frame.drop(["authentication", "authorization"])
    assert (measured > 0).all() and measured.notna().all()
    token = exec_in_pod("app", "cat", MOUNTED).stdout.strip()
    assert token not in f"{journey!r}{journey.steps}"


def test_what_is_asked_for_is_what_the_resolver_asks_for(namespace, pods):
    """Our questions to DNS find what the C library finds."""
    answer = follow_request("app", pods).step("name").answer
    done = exec_in_pod("app", "getent", "hosts", "kubernetes.default.svc")
    address, full = done.stdout.split()[:2]
    assert answer == f"{address}, as {full}"


@pytest.mark.parametrize(
    ("options", "stop", "words"),
    [
        ({"host": "kubernetes"}, "name", "no nameserver knows kubernetes"),
        ({"host": "127.0.0.1"}, "address", "refused"),
        ({"ca": IMAGE_CA}, "TLS", "unable to get local issuer certificate"),
        ({"ca": "/nowhere"}, "TLS", "there is no file /nowhere"),
        ({"ca": f"{FILES}/namespace"}, "TLS", "holds no certificate"),
        ({"token": "/nowhere"}, "authentication", "there is no file /nowhere"),
        ({"token": f"{FILES}/namespace"}, "authentication", "401 Unauthorized"),
        ({"token": ""}, "authorization", "system:anonymous"),
    ],
)
def test_a_broken_step_is_where_it_stops(pods, options, stop, words):
    journey = follow_request("app", pods, **options)
    assert journey.stopped_at == stop
    assert words in journey.step(stop).answer
    later = journey.steps[STEPS.index(stop) + 1 :]
    assert all(step.state != STOPPED for step in later)


def test_a_pod_without_files_does_not_get_past_tls(namespace, pods):
    """`automountServiceAccountToken: false` takes ca.crt away, too."""
    journey = follow_request("bare", pods)
    assert journey.stopped_at == "TLS"
    assert f"{FILES}/ca.crt" in journey.step("TLS").answer


@pytest.mark.parametrize(
    ("path", "verb"),
    [("/", "get"), ("/api/v1/secrets", "list"), ("/api/v1/nodes/none", "get")],
)
def test_a_refusal_comes_with_its_cure(namespace, path, verb):
    journey = follow_request("app", path)
    assert journey.stopped_at == "authorization"
    step = journey.step("authorization")
    assert step.asked.startswith(f"May they {verb} ")
    assert f"verbs: [{verb}]" in dict(step.facts)["smallest cure"]


def test_a_stranger_may_read_the_version(namespace):
    journey = follow_request("app", "/version", token="")
    assert journey.stopped_at == ""
    assert "system:unauthenticated" in journey.step("authorization").answer


def test_what_never_ends_is_not_waited_for(namespace):
    """Of a watch is counted what came so far."""
    role = {"apiGroups": [""], "resources": ["pods"], "verbs": ["watch", "list"]}
    version = "rbac.authorization.k8s.io/v1"
    metadata = {"name": "reader"}
    apply(
        {"apiVersion": version, "kind": "Role", "metadata": metadata, "rules": [role]}
    )
    path = f"/api/v1/namespaces/{namespace}/pods?watch=true"
    diagnosis = checks.may_exactly("app", ["list", "watch"], "pods")
    assert not diagnosis, diagnosis
    journey = follow_request("app", path)
    assert journey.step("authorization").asked.startswith("May they watch pods")
    assert "still coming" in journey.step("answer").answer


@pytest.mark.parametrize(
    ("path", "options", "part"),
    [("api/v1", {}, "path"), ("", {}, "path"), ("/", {"host": "a b"}, "host")],
)
def test_what_cannot_be_sent_is_one_line(namespace, path, options, part):
    with pytest.raises(errors.BadRequestLine) as caught:
        follow_request("app", path, **options)
    assert caught.value.part == part
    assert len(str(caught.value).splitlines()) <= 2


def test_a_pod_that_is_not_there_is_said_by_the_server(namespace):
    with pytest.raises(errors.KubectlFailed, match='pods "none" not found') as caught:
        follow_request("none", "/")
    assert len(str(caught.value).splitlines()) <= 2


def test_hangul_goes_over_the_wire(namespace):
    """A name that cannot be is the server's own 403, not an error of ours."""
    journey = follow_request("app", "/api/v1/namespaces/default/pods/파드 🐳")
    assert journey.stopped_at == "authorization"
    assert "파드 🐳" in journey.step("authorization").asked
