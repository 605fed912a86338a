"""A denied request is read from every form of it, and diagnosed by what it says.

The sentences are those of kube-apiserver 1.37; test_explain.py asks a real one.
"""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import httpx
import pytest
import requests
from kubernetes.client.exceptions import ApiException, ForbiddenException

from helpers import errors
from helpers.api.pods import PodResponse
from helpers.api.tokens import Token
from helpers.command import Completed
from helpers.rbac.objects import Attributes, Objects
from helpers.rbac.refusals import explain, forbidden, unauthorized
from helpers.rbac.refusals.request import DeniedRequest
from helpers.rbac.reviews import Review
from tests.helpers.api.test_tokens import CLAIMS, sign

READER = "system:serviceaccount:home:reader"
WHO = f'User "{READER}" cannot '
MESSAGE = (
    f'pods "q" is forbidden: {WHO}get resource "pods" in API group "" in the namespace '
    '"home"'
)
NO_REASON = 'pods "q" is forbidden: '
STATUS = {
    "kind": "Status",
    "message": MESSAGE,
    "reason": "Forbidden",
    "details": {"name": "q", "kind": "pods"},
    "code": 403,
}
TEXT = json.dumps(STATUS, indent=2)
URL = "https://127.0.0.1:6443/api/v1/namespaces/home/pods/q"


# --- Where the Status is --------------------------------------------------------------


def denied(*words, message=MESSAGE, name="q"):
    return DeniedRequest(403, message, name, words)


def of_requests():
    response = requests.Response()
    response.status_code, response._content, response.url = 403, TEXT.encode(), URL
    return response


def of_httpx(text, url):
    return httpx.Response(403, text=text, request=httpx.Request("GET", url))


def of_client(kind, status, reason, body=None):
    error = kind(status=status, reason=reason)
    error.body = body
    return error


HANDSHAKE = (
    "Handshake status 403 Forbidden -+-+- {'content-type': 'application/json'} -+-+- "
    + json.dumps({**STATUS, "message": NO_REASON})
)
LOGGED_OUT = "error: You must be logged in to the server (Unauthorized)\n"
UPGRADE = f"error: unable to upgrade connection: {MESSAGE}\n"
FORMS = {
    "a Status": (STATUS, denied()),
    "a Status in a text": (f"HTTP/2 403\n\n{TEXT}\n403", denied()),
    "curl in a pod": (
        Completed(["exec", "q", "--", "curl", URL], TEXT, "", 0),
        denied("exec", "q", "--", "curl", URL),
    ),
    "kubectl": (
        errors.KubectlFailed(
            ["get", "pod", "q"], 1, f"Error from server (Forbidden): {MESSAGE}\n"
        ),
        denied("get", "pod", "q", name=""),
    ),
    "kubectl exec": (
        Completed(["exec", "q", "--", "id"], "", UPGRADE, 1),
        denied("exec", "q", "--", "id", name=""),
    ),
    "kubectl without a credential": (
        errors.KubectlFailed(["get", "pods"], 1, LOGGED_OUT),
        DeniedRequest(401, "Unauthorized", words=("get", "pods")),
    ),
    "the Python client": (
        of_client(ForbiddenException, 403, "Forbidden", TEXT),
        denied(),
    ),
    "a watch of the Python client": (
        of_client(ApiException, 401, "Unauthorized"),
        DeniedRequest(401, "Unauthorized"),
    ),
    "exec of the Python client": (
        of_client(ApiException, 0, HANDSHAKE),
        denied(message=NO_REASON),
    ),
    "a Caller": (of_httpx(TEXT, URL), denied(URL)),
    "a pod's curl": (PodResponse(403, TEXT), denied()),
    "requests": (of_requests(), denied(URL)),
    "a proxy between, without a Status": (
        of_httpx("Forbidden\n", URL),
        denied(URL, message="Forbidden", name=""),
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_read(form):
    error, expected = FORMS[form]
    assert DeniedRequest.parse(error) == expected


@pytest.mark.parametrize(
    ("error", "says"),
    [
        ({**STATUS, "code": 404, "message": "pods q not found"}, "404: pods q not"),
        (Completed(["get", "pods"], '{"kind": "PodList"}', "", 0), "a Completed"),
        (ValueError("no answer at all"), "a ValueError"),
        (None, "a NoneType"),
        ("some text", "a str"),
        (SimpleNamespace(status=200, reason="OK", body=""), "200"),
        (errors.KubectlFailed(["get", "x"], 1, "(NotFound): x"), "a KubectlFailed"),
    ],
)
def test_anything_else_is_refused_in_two_lines(error, says):
    """A learner who passes the wrong thing learns what is the right one."""
    with pytest.raises(errors.LabError) as caught:
        DeniedRequest.parse(error)
    assert says in str(caught.value)
    assert str(caught.value).count("\n") == 1


# --- 403 ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "attributes"),
    [
        (
            f'nodes is forbidden: {WHO}watch resource "nodes" in API group "" at the '
            "cluster scope",
            Attributes(READER, "watch", "nodes"),
        ),
        (
            f'jobs.batch "q" is forbidden: {WHO}get resource "jobs/status" in API '
            'group "batch" in the namespace "home"',
            Attributes(READER, "get", "jobs", "batch", "status", "q", "home"),
        ),
        (
            f'forbidden: {WHO}get path "/metrics"',
            Attributes(READER, "get", path="/metrics"),
        ),
        ('pods "q" is forbidden: exceeded quota: small', None),
    ],
)
def test_the_sentence_is_taken_apart(message, attributes):
    assert forbidden.attributes_of(DeniedRequest(403, message)) == attributes


@pytest.mark.parametrize(
    ("words", "subresource", "namespace"),
    [
        ((), "exec", "home"),
        (("curl", "https://x/api/v1/namespaces/away/pods/q/attach"), "attach", "away"),
    ],
)
def test_the_sentence_that_ends_after_its_colon(words, subresource, namespace):
    """Such a sentence names no sender; the missing verb is always `create`."""
    request = denied(*words, message=NO_REASON)
    expected = Attributes(READER, "create", "pods", "", subresource, "q", namespace)
    found = forbidden.attributes_of(request, user="reader", namespace="home")
    assert found == expected
    assert forbidden.attributes_of(request, namespace="home").user == ""


@pytest.mark.parametrize(
    ("message", "cause", "says"),
    [
        ("exceeded quota: x", "refused by admission", "Quota"),
        ('violates PodSecurity "r"', "refused by admission", "Pod Security"),
        ("it is being terminated", "refused by admission", "being deleted"),
        (forbidden.ESCALATION, "escalation", "grant"),
        ("my policy says no", "refused by admission", "for its content"),
    ],
)
def test_not_every_403_is_about_roles(message, cause, says):
    """No Role fixes these, so none is proposed."""
    found = forbidden.diagnose(DeniedRequest(403, f"{NO_REASON}{message}"), None)
    assert (found.cause, found.manifest) == (cause, "")
    assert says in found.why


@pytest.mark.parametrize(
    ("refused", "why", "hint"),
    [
        (MESSAGE, "`get` on `pods` in namespace home.", "that one verb and nothing"),
        (
            f'jobs.batch is forbidden: {WHO}list resource "jobs" in API group "batch" '
            "at the cluster scope",
            "`list` on `jobs` in the whole cluster.",
            "name it in the request",
        ),
        (
            f'forbidden: {WHO}get path "/metrics"',
            "`get` on `/metrics` in the whole cluster.",
            "opens the path",
        ),
    ],
)
def test_what_is_missing_where_and_what_opens_it(refused, why, hint):
    """The sentence names the scope that the proposal opens."""
    request = DeniedRequest(403, refused)
    found = forbidden.diagnose(request, forbidden.attributes_of(request))
    assert found.why == (
        f"The server knows `{READER}`, but no rule allows it the verb {why}"
    )
    assert hint in found.hint
    assert ("kind: ClusterRole\n" in found.manifest) == ("namespace home" not in why)


def test_what_the_server_adds_is_kept():
    added = 'RBAC: role.rbac.authorization.k8s.io "typo" not found'
    request = DeniedRequest(403, f"{MESSAGE}: {added}")
    attributes = forbidden.attributes_of(request)
    assert attributes == Attributes(READER, "get", "pods", "", "", "q", "home")
    found = forbidden.diagnose(request, attributes, Objects([], []))
    assert f"It adds: {added}." in found.why


def test_nobody_gets_no_role():
    """To grant something to strangers is never the way out."""
    message = 'forbidden: User "system:anonymous" cannot get path "/api"'
    found = explain({"code": 403, "message": message})
    assert (found.cause, found.manifest) == ("no credential", "")
    assert "Never grant" in found.hint


def test_an_explanation_without_a_cluster(monkeypatch):
    """The repr is for terminals, the Markdown for notebooks; both hold the YAML."""
    monkeypatch.setattr("helpers.command._kubeconfig", None)
    monkeypatch.delenv("KUBECONFIG", raising=False)
    found = explain(STATUS)
    assert repr(found).splitlines()[:7] == [
        f"403, not allowed: {MESSAGE}",
        f"  who: {READER}",
        "  verb: get",
        '  API group: ""',
        "  resource: pods",
        "  object: q",
        "  where: namespace home",
    ]
    assert "resourceNames: [q]" in found.manifest
    assert repr(found).endswith(found.manifest.rstrip())
    shown = found._repr_markdown_()
    assert f"| who | {READER} |" in shown and f"```\n{found.manifest}```" in shown
    assert found.brief == found.why == found.brief._repr_markdown_()
    status = {"kind": "Status", "code": 401, "message": "Unauthorized"}
    assert explain(status, token=Token("garbage")).cause == "not a token"


# --- 401 ------------------------------------------------------------------------------

NOW = datetime.fromtimestamp(CLAIMS["iat"] + 60, UTC)
LATER = datetime.fromtimestamp(CLAIMS["exp"] + 2 * 3600 + 300, UTC)
AUDIENCES = 'token audiences ["vault"] is invalid for the target audiences ["us"]'


@pytest.mark.parametrize(
    ("token", "error", "now", "cause", "says"),
    [
        (Token("garbage"), "x", NOW, "not a token", "no JWT"),
        (sign(), "token has expired", LATER, "expired", "09:00:07 UTC, 2 h 5 min ago."),
        (sign(aud=["vault"]), AUDIENCES, NOW, "wrong audience", "vault, not for us."),
        (sign(), "token is not valid yet", NOW, "not valid yet", "in the future"),
        (sign(), "token has been invalidated", NOW, "revoked", "bound to pod/client."),
        (sign(), 'serviceaccounts "r" not found', NOW, "revoked", '"r" not found'),
        (sign(), "pod UID (1) does not match (2)", NOW, "revoked", "does not match"),
        (sign(), "error in cryptographic primitive", NOW, "bad signature", "not match"),
        (sign(iss="https://x"), "no such key", NOW, "unknown issuer", "https://x"),
        (sign(), "", NOW, "unknown", "accepts this token"),
    ],
)
def test_the_servers_reason_is_explained(token, error, now, cause, says):
    review = Review(not error, error=f"[invalid bearer token, {error}]")
    found = unauthorized.diagnose(token, review, now)
    assert found.cause == cause and says in found.why and found.hint
    assert token.text not in found.why


@pytest.mark.parametrize(
    ("token", "late", "cause", "says"),
    [
        (sign(), 5, "expired", "5 s ago"),
        (sign(), 90, "expired", "1 min ago"),
        (sign(aud=["vault"]), -60, "wrong audience", "vault"),
        (sign(), -60, "unknown", "could not review"),
        (Token("garbage"), -60, "not a token", "no JWT"),
    ],
)
def test_without_the_server_the_claims_count(token, late, cause, says):
    """A caller who may not create a TokenReview still learns the token's claims."""
    now = datetime.fromtimestamp(CLAIMS["exp"] + late, UTC)
    found = unauthorized.diagnose(token, None, now)
    assert found.cause == cause and says in found.why


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (("exec", "q", "--", "curl", "-sk", "https://x/api"), "no credential"),
        (("exec", "q", "--", "curl", "-H", "Authorization: Bearer x"), "unknown"),
        (("exec", "q", "--", "curl", "--cert", "c.pem", "https://x"), "unknown"),
        (("get", "pods"), "unknown"),
    ],
)
def test_a_401_without_a_token_to_look_at(words, cause):
    """Where strangers are not let in at all, it may be that nothing was sent."""
    found = unauthorized.diagnose_without_token(
        DeniedRequest(401, "Unauthorized", words=words)
    )
    assert found.cause == cause
