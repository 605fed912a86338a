"""What a pod has seen and a server says becomes six steps, and one place to stop."""

import base64
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from helpers.journeynetwork import address_step, name_step, tls_step
from helpers.journeys import (
    PASSED,
    RETURNED,
    STEPS,
    STOPPED,
    UNREACHED,
    Journey,
    Request,
    Step,
)
from helpers.journeyserver import (
    Around,
    answer_step,
    authentication_step,
    authorization_step,
)
from helpers.rbac import Attempt
from helpers.refusals import Explanation
from tests.authority import Authority

REQUEST = Request("app", "/api/v1/namespaces/blue/pods")
USER = "system:serviceaccount:blue:app"
ATTEMPT = Attempt(USER, "list", "pods", namespace="blue")
PORT = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}
NAME = {
    "milliseconds": 1.5,
    "search": ["blue.svc.cluster.local", "svc.cluster.local"],
    "asked": [
        ["kubernetes.default.svc.blue.svc.cluster.local", "A", "NXDOMAIN", []],
        ["kubernetes.default.svc.cluster.local", "A", "NOERROR", ["10.96.0.1"]],
    ],
    "addresses": ["10.96.0.1"],
}
SEEN = {"environment": PORT, "name": NAME}


def answered(status: int, reason: str, **facts) -> dict:
    """Return what a pod has seen of an answer, after a token was sent."""
    whole = {
        "status": status,
        "reason": reason,
        "headers": {"Content-Type": "application/json", "Audit-Id": "a1", "Date": "x"},
        "bytes": 1200,
        "ended": True,
        "milliseconds": 4.0,
        "first": 3.0,
    }
    said = {"claims": {"sub": USER, "aud": "here"}, "user": {"username": USER}}
    return {**SEEN, "authentication": said, "answer": {**whole, **facts}}


def test_a_name_tells_each_question():
    """Completed names that do not exist stand before the one that does."""
    step = name_step(REQUEST, SEEN)
    assert (step.state, step.milliseconds) == (PASSED, 1.5)
    assert step.answer == "10.96.0.1, as kubernetes.default.svc.cluster.local"
    assert [text for word, text in step.facts if word == "asked DNS"] == [
        "A kubernetes.default.svc.blue.svc.cluster.local: NXDOMAIN",
        "A kubernetes.default.svc.cluster.local: 10.96.0.1",
    ]
    assert ("KUBERNETES_SERVICE_HOST", "10.96.0.1") in step.facts


def test_an_unknown_name_says_what_was_asked_for():
    asked = [["kubernetes.blue.svc.cluster.local", "A", "NXDOMAIN", []]]
    facts = {"milliseconds": 1.0, "asked": asked, "error": "no such name"}
    step = name_step(REQUEST, {"environment": PORT, "name": facts})
    assert step.state == STOPPED
    assert "kubernetes.blue.svc.cluster.local" in step.answer
    assert address_step(REQUEST, {**SEEN, "name": facts}, ()).state == UNREACHED


def test_an_address_is_followed_to_its_endpoint():
    """The Service is the one with this address; slices of others are not ours."""
    label = "kubernetes.io/service-name"
    objects = [
        {
            "kind": "Service",
            "metadata": {"name": name},
            "spec": {"clusterIPs": [address]},
        }
        for name, address in (("other", "10.96.0.9"), ("kubernetes", "10.96.0.1"))
    ]
    objects += [
        {
            "kind": "EndpointSlice",
            "metadata": {"labels": {label: name}},
            "endpoints": [{"addresses": [address]}],
            "ports": [{"port": 6443}],
        }
        for name, address in (("other", "172.30.0.9"), ("kubernetes", "172.30.0.1"))
    ]
    facts = {"to": ["10.96.0.1", 443], "source": ["10.0.0.5", 4000], "milliseconds": 1}
    step = address_step(REQUEST, {**SEEN, "address": facts}, tuple(objects))
    assert "Service default/kubernetes leads to 172.30.0.1:6443." in step.answer
    # A cluster that writes no slices still has an answer.
    bare = address_step(REQUEST, {**SEEN, "address": facts}, ())
    assert bare.answer == "Yes, a connection is open."


def der(pem: str) -> str:
    """Return the first certificate of a PEM text as a pod sends it."""
    certificate = x509.load_pem_x509_certificate(pem.encode())
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()


def test_the_authority_is_the_one_that_signed():
    """Another of the same name does not count: the signature decides."""
    ours, namesake = Authority("ours"), Authority("ours")
    shown = ours.issue("server", x509.DNSName("kubernetes.default.svc"))
    facts = {
        "certificate": der(shown[shown.index("-----BEGIN CERT") :]),
        "authorities": [der(namesake.pem), der(ours.pem)],
        "version": "TLSv1.3",
        "cipher": "some",
        "without": "unable to get local issuer certificate",
        "milliseconds": 2.0,
    }
    step = tls_step(REQUEST, {**SEEN, "TLS": facts})
    assert step.state == PASSED
    assert dict(step.facts)["verified with"] == "CN=ours, in ca.crt"
    assert dict(step.facts)["good for"] == "kubernetes.default.svc"
    assert "unable to get" in dict(step.facts)["without this file"]
    alone = {**facts, "authorities": [der(namesake.pem)]}
    step = tls_step(REQUEST, {**SEEN, "TLS": alone})
    assert "over another" in dict(step.facts)["verified with"]


def test_a_refused_certificate_is_shown_all_the_same():
    shown = Authority("somebody").issue("server")
    facts = {
        "certificate": der(shown[shown.index("-----BEGIN CERT") :]),
        "error": "unable to get local issuer certificate",
        "milliseconds": 2.0,
    }
    step = tls_step(REQUEST, {**SEEN, "TLS": facts})
    assert (step.state, step.answer) == (STOPPED, facts["error"])
    assert dict(step.facts)["signed by"] == "CN=somebody"


def test_an_allowed_request_names_the_rule():
    """Only that rule of the role which allows it."""
    reason = 'RBAC: allowed by RoleBinding "r/blue" of Role "reader" to User "x"'
    rules = [
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]},
    ]
    role = {"metadata": {"name": "reader"}, "rules": rules}
    around = Around((), {"allowed": True, "reason": reason}, role)
    step = authorization_step(ATTEMPT, answered(200, "OK"), around)
    assert (step.state, step.answer) == (PASSED, reason)
    facts = [text for word, text in step.facts if word == "rule of reader"]
    assert facts == ["apiGroups: ''; resources: 'pods'; verbs: 'get', 'list'"]
    assert step.command.startswith("kubectl auth can-i list pods -n blue")


def test_a_server_that_gives_no_reason_is_told_so():
    step = authorization_step(ATTEMPT, answered(200, "OK"), Around())
    assert step.state == PASSED
    assert "does not say" in step.answer


@pytest.mark.parametrize(
    ("status", "reason", "stop"),
    [(401, "Unauthorized", "authentication"), (403, "Forbidden", "authorization")],
)
def test_a_refusal_stops_where_it_belongs(status, reason, stop):
    """The answer came all the same: it carries the refusal back."""
    refusal = Explanation(status, "cause", "message", "Because.", "", None, "kind: X")
    seen, around = answered(status, reason, kind="Status"), Around(refusal=refusal)
    steps = {
        "authentication": authentication_step(REQUEST, seen, around),
        "authorization": authorization_step(ATTEMPT, seen, around),
        "answer": answer_step(REQUEST, seen),
    }
    assert steps[stop].state == STOPPED
    assert steps[stop].answer == f"{status} {reason}. Because."
    assert steps["answer"].state == RETURNED
    reached = steps["authorization"].state != UNREACHED
    assert reached == (status == 403)


def test_nobody_is_told_from_somebody():
    anonymous = replace(REQUEST, token="")
    seen = answered(200, "OK") | {"authentication": {"milliseconds": 0.1}}
    step = authentication_step(anonymous, seen, Around())
    assert "system:anonymous" in step.answer
    assert "Authorization" not in step.command


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"kind": "PodList", "items": 3}, "200 OK, PodList of 3, 1,200 bytes"),
        ({"kind": ""}, "200 OK, 1,200 bytes"),
        ({"ended": False}, "200 OK, 1,200 bytes and still coming"),
    ],
)
def test_an_answer_is_counted_and_not_shown(facts, words):
    step = answer_step(REQUEST, answered(200, "OK", **facts))
    assert (step.answer, step.state) == (words, PASSED)
    assert dict(step.facts)["Audit-Id"] == "a1"


def test_what_is_not_there_stops_at_the_answer():
    assert answer_step(REQUEST, answered(404, "Not Found")).state == STOPPED


def test_a_broken_connection_is_no_answer():
    seen = {**SEEN, "answer": {"error": "reset", "milliseconds": 1.0}}
    step = answer_step(REQUEST, seen)
    assert (step.state, step.answer) == (STOPPED, "reset")


def test_a_journey_is_lines_and_a_frame():
    """The times that nobody measured are missing, not zero."""
    steps = [Step(name, "asked?") for name in STEPS]
    steps[0] = replace(steps[0], answer="yes", state=PASSED, milliseconds=1.25)
    steps[1] = replace(steps[1], answer="Nobody listens.", state=STOPPED)
    journey = Journey(REQUEST, tuple(steps))
    assert journey.stopped_at == "address"
    assert journey.outcome == "It stopped at address: Nobody listens."
    lines = repr(journey).splitlines()
    assert lines[1:4] == [
        "1. ✓ name: asked?",
        "     passed (1.2 ms): yes",
        "2. ✗ address: asked?",
    ]
    frame = journey.frame()
    assert list(frame.columns) == ["STEP", "ASKED", "ANSWER", "STATE", "MILLISECONDS"]
    assert list(frame["STEP"]) == list(STEPS)
    assert frame["MILLISECONDS"].isna().sum() == 5


def test_commands_are_safe_to_copy():
    """A path with a quote stays one word of the shell in the pod."""
    line = replace(REQUEST, container="main").curl("/a'b c")
    assert line.startswith("kubectl exec app -c main -- sh -c ")
    assert REQUEST.token in line
