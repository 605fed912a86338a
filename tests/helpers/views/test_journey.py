"""A pod's observations and a server's answer become steps, and one place to stop.

Pure; test_journey_in_pods.py sends real requests.
"""

import json
from dataclasses import replace

import pytest
from cryptography import x509

from cluster.tests.authority import Authority
from helpers.rbac.objects import Attributes
from helpers.rbac.refusals import Explanation
from helpers.views.journey.network import Observation, address_step, name_step, tls_step
from helpers.views.journey.server import (
    ClusterContext,
    admission_step,
    authentication_step,
    authorization_step,
    response_step,
)
from helpers.views.journey.steps import (
    PASSED,
    RETURNED,
    SKIPPED,
    STEPS,
    STOPPED,
    UNREACHED,
    Journey,
    Request,
    Step,
)

REQUEST = Request("app", "/api/v1/namespaces/blue/pods")
USER = "system:serviceaccount:blue:app"
ATTRIBUTES = Attributes(USER, "list", "pods", namespace="blue")
MEASURED = {
    "errormsg": None,
    "exitcode": 0,
    "http_code": 200,
    "local_ip": "10.244.0.5",
    "local_port": 40000,
    "remote_ip": "10.96.0.1",
    "size_download": 1200,
    "time_namelookup": 0.001,
    "time_connect": 0.003,
    "time_appconnect": 0.006,
    "time_starttransfer": 0.010,
    "time_total": 0.016,
}
#: fields that curl leaves empty, by the step where it stops
STOPS = {
    "name": {"time_namelookup": 0, "remote_ip": "", "time_connect": 0},
    "address": {"remote_ip": "", "time_connect": 0},
    "TLS": {"time_connect": 0},
    "response": {},
}
SEEN = Observation(
    MEASURED,
    claims={"sub": USER, "aud": "here", "kubernetes.io": {"pod": {"name": "app"}}},
    user={"username": USER, "groups": ["g"]},
    sent_token=True,
    service=("10.96.0.1", "443"),
    search="blue.svc.cluster.local svc.cluster.local cluster.local",
    resolved=("10.96.0.1", "kubernetes.default.svc.cluster.local"),
)


def answered(status, content="", **measured):
    text = content if isinstance(content, str) else json.dumps(content)
    head = f"HTTP/2 {status} \naudit-id: a1\ndate: today"
    measured = {**MEASURED, "http_code": status, **measured}
    return replace(SEEN, measured=measured, answer=f"{head}\n\n{text}")


def stopped(step):
    gone = {} if step == "response" else {"time_appconnect": 0}
    measured = {**MEASURED, **STOPS[step], **gone, "http_code": 0, "errormsg": "Why."}
    return replace(SEEN, measured=measured)


def all_steps(seen, context=None):
    context = context or ClusterContext()
    return (
        name_step(REQUEST, seen),
        address_step(REQUEST, seen, context.objects),
        tls_step(REQUEST, seen),
        authentication_step(REQUEST, seen, context),
        authorization_step(ATTRIBUTES, seen, context),
        admission_step(seen),
        response_step(REQUEST, seen),
    )


def test_an_answer_has_passed_all_steps():
    """Steps inside the server are not measured; the rest adds up to curl's total."""
    steps = all_steps(answered(200, {"kind": "PodList", "items": [1, 2]}))
    assert [step.state for step in steps] == [PASSED] * 5 + [SKIPPED, PASSED]
    taken = [step.milliseconds for step in steps]
    assert taken[3:6] == [None, None, None]
    assert taken[:3] + taken[6:] == pytest.approx([1, 2, 3, 10])
    assert steps[0].answer == "10.96.0.1, as kubernetes.default.svc.cluster.local"
    assert steps[3].answer == USER
    assert dict(steps[3].facts)["bound to"] == "pod/app"
    assert "does not name" in steps[4].answer
    assert steps[6].answer == "200 OK, PodList of 2, 1,200 bytes"
    facts = dict(steps[6].facts)
    assert facts["audit-id"] == "a1" and "date" not in facts


@pytest.mark.parametrize("stop", STOPS)
def test_what_is_behind_the_stop_was_not_reached(stop):
    """And curl's own words stand at the stop."""
    steps = all_steps(stopped(stop))
    at = STEPS.index(stop)
    assert steps[at].state == STOPPED and steps[at].answer == "Why."
    assert {step.state for step in steps[at + 1 :]} <= {UNREACHED}
    before = {step.name for step in steps[:at] if step.state == PASSED}
    assert before == {"name", "address", "TLS"}.intersection(STEPS[:at])


@pytest.mark.parametrize(
    ("status", "reason", "stop"),
    [(401, "Unauthorized", "authentication"), (403, "Forbidden", "authorization")],
)
def test_a_denied_request_stops_where_it_belongs(status, reason, stop):
    """The answer came all the same: it carries the refusal back."""
    refusal = Explanation(status, "cause", "message", "Because.", "", None, "kind: X")
    seen = answered(status, {"kind": "Status", "message": "no"})
    steps = dict(
        zip(STEPS, all_steps(seen, ClusterContext(refusal=refusal)), strict=True)
    )
    assert steps[stop].state == STOPPED
    assert steps[stop].answer == f"{status} {reason}. Because."
    assert steps["admission"].state == UNREACHED
    assert steps["response"].state == RETURNED
    assert (steps["authorization"].state == UNREACHED) == (status == 401)


def test_an_allowed_request_names_the_rule():
    """In the authorizer's words."""
    reason = 'RBAC: allowed by RoleBinding "r/blue" of Role "reader" to User "x"'
    step = authorization_step(
        ATTRIBUTES, answered(200), ClusterContext((), {"reason": reason})
    )
    assert step.answer == reason
    assert step.command.startswith("kubectl auth can-i list pods -n blue")


@pytest.mark.parametrize(
    ("token", "words"), [("", "No token was sent"), ("/nowhere", "no file /nowhere")]
)
def test_without_a_token_nobody_asks(token, words):
    seen = replace(answered(200), sent_token=False, user={}, claims={})
    step = authentication_step(replace(REQUEST, token=token), seen, ClusterContext())
    assert words in step.answer and "system:anonymous" in step.answer
    assert ("Authorization" in step.command) == bool(token)


@pytest.mark.parametrize(
    ("status", "content", "exitcode", "words", "state"),
    [
        (200, "ok", 0, "200 OK, 1,200 bytes", PASSED),
        (200, '{"type": "ADD', 28, "200 OK, 1,200 bytes and still coming", PASSED),
        (404, "", 0, "404 Not Found, 1,200 bytes", STOPPED),
    ],
)
def test_an_answer_is_counted_and_not_shown(status, content, exitcode, words, state):
    step = response_step(REQUEST, answered(status, content, exitcode=exitcode))
    assert (step.answer, step.state) == (words, state)


def test_an_address_is_followed_to_its_endpoint():
    """The Service is the one with this address; slices of others are not ours."""
    objects = []
    for name, end in (("other", "9"), ("kubernetes", "1")):
        spec = {"clusterIPs": [f"10.96.0.{end}"]}
        objects.append({"kind": "Service", "metadata": {"name": name}, "spec": spec})
        labels = {"kubernetes.io/service-name": name}
        objects.append(
            {
                "kind": "EndpointSlice",
                "metadata": {"labels": labels},
                "endpoints": [{"addresses": [f"172.30.0.{end}"]}],
                "ports": [{"port": 6443}],
            }
        )
    step = address_step(REQUEST, SEEN, tuple(objects))
    assert "Service default/kubernetes leads to 172.30.0.1:6443." in step.answer
    # A cluster that writes no slices still has an answer.
    assert address_step(REQUEST, SEEN, ()).answer == "Yes, a connection is open."


@pytest.mark.parametrize("step", ["TLS", ""])
def test_the_certificate_is_shown_even_if_it_is_refused(step):
    """OpenSSL says which authority of the file has signed it, if one has."""
    issued = Authority("ours").issue("server", x509.DNSName("kubernetes.default.svc"))
    signed = "depth=1 CN=ours\nverify return:1\n" if not step else ""
    seen = replace(stopped(step) if step else SEEN, handshake=f"{signed}{issued}")
    found = tls_step(REQUEST, seen)
    facts = dict(found.facts)
    assert (facts["signed by"], facts["good for"]) == (
        "CN=ours",
        "kubernetes.default.svc",
    )
    assert facts.get("verified with") == (None if step else "ca.crt: CN=ours")
    assert found.answer == ("Why." if step else "Yes: CN=server, signed by CN=ours.")


def test_a_journey_is_lines_and_a_frame():
    """The times that nobody measured are missing, not zero."""
    steps = [Step(name, "asked?") for name in STEPS]
    steps[0] = replace(steps[0], answer="yes", state=PASSED, milliseconds=1.25)
    steps[1] = replace(steps[1], answer="Nobody listens.", state=STOPPED)
    journey = Journey(REQUEST, tuple(steps))
    assert journey.stopped_at == "address"
    assert journey.outcome == "It stopped at address: Nobody listens."
    assert repr(journey).splitlines()[1:5] == [
        "1. name: asked?",
        "   ✓ passed, 1.2 ms: yes",
        "2. address: asked?",
        "   ✗ stopped here: Nobody listens.",
    ]
    assert repr(journey).splitlines()[11:14:2] == [
        "6. admission: asked?",
        "response: asked?",
    ]
    frame = journey.frame()
    assert list(frame.columns) == ["STEP", "ASKED", "ANSWER", "STATE", "MILLISECONDS"]
    assert list(frame["STEP"]) == list(STEPS)
    assert (frame["MILLISECONDS"] == "–").sum() == 6


def test_commands_are_safe_to_copy():
    """A path with a quote stays one word of the shell in the pod."""
    line = REQUEST.curl("/a'b c")
    assert line.startswith("kubectl exec app -- sh -c ")
    assert REQUEST.token in line
