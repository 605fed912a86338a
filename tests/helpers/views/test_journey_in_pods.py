"""Requests from real pods are followed to the end, and to each place they can stop."""

import pytest

from cluster.tests.running import run, sleeper
from helpers import errors, exec_in_pod, kubectl
from helpers.api.tokens import MOUNTED
from helpers.exercises.grants import fault_of_grant
from helpers.views.journey import follow_request
from helpers.views.journey.steps import FILES, STEPS, STOPPED

pytestmark = pytest.mark.full("each place where a request of a real pod can stop")
IMAGE_CA = "/etc/ssl/certs/ca-certificates.crt"


@pytest.fixture(scope="module")
def namespace(namespace):
    """Return a namespace with two pods; one may list pods."""
    bare = sleeper("bare")
    bare["spec"]["automountServiceAccountToken"] = False
    kubectl("create role reader --verb=list,watch --resource=pods")
    binding = f"--role=reader --serviceaccount={namespace}:default"
    kubectl(f"create rolebinding reader {binding}")
    run(sleeper("app"), bare)
    assert not fault_of_grant("default", ["list", "watch"], "pods")
    return namespace


PODS = "/api/v1/namespaces/{}/pods"
ALLOWED = {
    "name": "10.",
    "TLS": "Yes: CN=",
    "authentication": ":default",
    "authorization": 'RBAC: allowed by RoleBinding "reader/',
    "response": "PodList of 2",
}


@pytest.mark.parametrize(
    ("stop", "words", "path", "options"),
    [
        ("", ALLOWED, PODS, {}),
        # An endless response counts the bytes received so far.
        ("", {"response": "still coming"}, f"{PODS}?watch=true", {}),
        ("", {"authorization": "unauthenticated"}, "/version", {"token": ""}),
        ("name", {"name": "resolve host: kubernetes"}, PODS, {"host": "kubernetes"}),
        ("address", {"address": "onnect to"}, PODS, {"host": "127.0.0.1"}),
        ("TLS", {"TLS": "unable to get local issuer"}, PODS, {"ca": IMAGE_CA}),
        # `automountServiceAccountToken: false` takes ca.crt away, too.
        ("TLS", {"TLS": f"{FILES}/ca.crt"}, PODS, {"pod": "bare"}),
        ("authentication", {}, PODS, {"token": f"{FILES}/namespace"}),
        ("authorization", {"authorization": "anonymous"}, PODS, {"token": "/nowhere"}),
        # A name that cannot be is refused by the server.
        ("authorization", {"authorization": "`get`"}, "/api/v1/pods/파드 🐳", {}),
    ],
)
def test_a_request_stops_where_it_is_broken(namespace, stop, words, path, options):
    """And nowhere else; the token is in no step."""
    asked = {"pod": "app", "path": path.format(namespace), **options}
    journey = follow_request(**asked)
    assert journey.stopped_at == stop
    for step, said in words.items():
        assert said in journey.step(step).answer
    later = journey.steps[STEPS.index(stop) + 1 :] if stop else journey.steps
    assert all(step.state != STOPPED for step in later)
    token = exec_in_pod("app", "cat", MOUNTED).stdout.strip()
    assert token not in f"{journey!r}{journey.steps}"


@pytest.mark.parametrize(
    ("pod", "path", "error"),
    [("app", "api/v1", errors.LabError), ("none", "/", errors.KubectlFailed)],
)
def test_what_cannot_be_sent_is_one_line(namespace, pod, path, error):
    with pytest.raises(error) as caught:
        follow_request(pod, path)
    assert len(str(caught.value).splitlines()) <= 2
