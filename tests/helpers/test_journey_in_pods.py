"""One request from a real pod is followed to the end, and to each place it can stop."""

import pytest

from helpers import errors, exec_in_pod, wait_for
from helpers.grants import fault_of_grant
from helpers.journey import follow_request
from helpers.journey.steps import FILES, STEPS, STOPPED
from helpers.tokens import MOUNTED
from tests.running import apply

IMAGE_CA = "/etc/ssl/certs/ca-certificates.crt"
OBJECTS = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: app}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [pods], verbs: [list, watch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: app}]
---
apiVersion: v1
kind: Pod
metadata: {name: app}
spec:
  serviceAccountName: app
  terminationGracePeriodSeconds: 1
  containers: [{name: main, image: "toolbox:1", command: [sleep, infinity]}]
---
apiVersion: v1
kind: Pod
metadata: {name: bare}
spec:
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 1
  containers: [{name: main, image: "toolbox:1", command: [sleep, infinity]}]
"""


@pytest.fixture(scope="module")
def namespace(namespace):
    """Return a namespace with two pods, one of which may list pods."""
    apply(OBJECTS.replace("name: app}]", f"name: app, namespace: {namespace}}}]"))
    wait_for("condition=Ready", "pod/app")
    wait_for("condition=Ready", "pod/bare")
    fault = fault_of_grant("app", ["list", "watch"], "pods")
    assert not fault, fault
    return namespace


@pytest.fixture(scope="module")
def pods(namespace):
    return f"/api/v1/namespaces/{namespace}/pods"


def test_an_allowed_request_takes_all_steps(namespace, pods):
    """The rule is the one that we made, and the token is nowhere."""
    journey = follow_request("app", pods)
    assert journey.stopped_at == ""
    done = exec_in_pod("app", "getent", "hosts", "kubernetes.default.svc")
    address, full = done.stdout.split()[:2]
    assert journey.step("name").answer == f"{address}, as {full}"
    account = f"system:serviceaccount:{namespace}:app"
    assert journey.step("authentication").answer == account
    rule = journey.step("authorization")
    assert rule.answer.startswith(f'RBAC: allowed by RoleBinding "reader/{namespace}"')
    assert "PodList of 2" in journey.step("response").answer
    assert dict(journey.step("TLS").facts)["verified with"].startswith("ca.crt: ")
    frame = journey.frame().set_index("STEP")["MILLISECONDS"]
    measured = frame.drop(["authentication", "authorization", "admission"])
    assert (measured > 0).all() and measured.notna().all()
    token = exec_in_pod("app", "cat", MOUNTED).stdout.strip()
    assert token not in f"{journey!r}{journey.steps}"


@pytest.mark.parametrize(
    ("pod", "options", "stop", "words"),
    [
        ("app", {"host": "kubernetes"}, "name", "resolve host: kubernetes"),
        ("app", {"host": "127.0.0.1"}, "address", "onnect to"),
        ("app", {"ca": IMAGE_CA}, "TLS", "unable to get local issuer certificate"),
        # `automountServiceAccountToken: false` takes ca.crt away, too.
        ("bare", {}, "TLS", f"{FILES}/ca.crt"),
        ("app", {"token": f"{FILES}/namespace"}, "authentication", "Unauthorized"),
        ("app", {"token": "/nowhere"}, "authorization", "system:anonymous"),
    ],
)
def test_a_broken_step_is_where_it_stops(pods, pod, options, stop, words):
    journey = follow_request(pod, pods, **options)
    assert journey.stopped_at == stop
    assert words in journey.step(stop).answer
    later = journey.steps[STEPS.index(stop) + 1 :]
    assert all(step.state != STOPPED for step in later)


def test_a_name_that_cannot_be_is_refused_by_the_server(namespace):
    journey = follow_request("app", "/api/v1/pods/파드 🐳")
    assert journey.stopped_at == "authorization"
    assert "verbs: [get]" in dict(journey.step("authorization").facts)["smallest fix"]


def test_a_stranger_may_read_the_version(namespace):
    journey = follow_request("app", "/version", token="")
    assert journey.stopped_at == ""
    assert "system:unauthenticated" in journey.step("authorization").answer


def test_what_never_ends_is_not_waited_for(pods):
    """Of a watch is counted what came so far."""
    journey = follow_request("app", f"{pods}?watch=true")
    assert journey.step("authorization").asked.startswith("May they watch pods")
    assert "still coming" in journey.step("response").answer


@pytest.mark.parametrize(
    ("pod", "path", "error"),
    [("app", "api/v1", errors.LabError), ("none", "/", errors.KubectlFailed)],
)
def test_what_cannot_be_sent_is_one_line(namespace, pod, path, error):
    with pytest.raises(error) as caught:
        follow_request(pod, path)
    assert len(str(caught.value).splitlines()) <= 2
