"""A refusal is read out of every form in which a learner may hold it."""

import json
from http.client import HTTPMessage
from types import SimpleNamespace

import pytest
import requests
import urllib3
from kubernetes.client.exceptions import ApiException, ForbiddenException

from cluster import errors
from helpers.command import Completed
from helpers.statuses import Refusal, find_status

MESSAGE = (
    'pods "q" is forbidden: User "system:serviceaccount:home:reader" cannot get '
    'resource "pods" in API group "" in the namespace "home"'
)
STATUS = {
    "kind": "Status",
    "apiVersion": "v1",
    "metadata": {},
    "status": "Failure",
    "message": MESSAGE,
    "reason": "Forbidden",
    "details": {"name": "q", "kind": "pods"},
    "code": 403,
}
TEXT = json.dumps(STATUS, indent=2)
UNAUTHORIZED = {**STATUS, "message": "Unauthorized", "code": 401, "details": None}
URL = "https://127.0.0.1:6443/api/v1/namespaces/home/pods/q"
REFUSAL = Refusal(403, MESSAGE, "pods", "", "q")


def with_words(*words):
    return Refusal(403, MESSAGE, "pods", "", "q", words)


def of_requests():
    reply = requests.Response()
    reply.status_code, reply._content, reply.url = 403, TEXT.encode(), URL
    return reply


def api_exception(kind, **fields):
    error = kind(status=fields.get("status"), reason=fields.get("reason"))
    error.body = fields.get("body")
    return error


HANDSHAKE = (
    "Handshake status 403 Forbidden -+-+- {'content-type': 'application/json'} -+-+- "
    + json.dumps({**STATUS, "message": 'pods "q" is forbidden: '})
)
FORMS = {
    "a Status": (STATUS, REFUSAL),
    "a Status in a text": (f"HTTP/2 403\n\n{TEXT}\n403", REFUSAL),
    "curl in a pod": (
        Completed(["exec", "q", "--", "curl", URL], TEXT, "", 0),
        with_words("exec", "q", "--", "curl", URL),
    ),
    "kubectl": (
        errors.KubectlFailed(
            ["get", "pod", "q"], 1, f"Error from server (Forbidden): {MESSAGE}\n"
        ),
        Refusal(403, MESSAGE, words=("get", "pod", "q")),
    ),
    "kubectl exec": (
        Completed(
            ["exec", "q", "--", "id"],
            "",
            f"error: unable to upgrade connection: {MESSAGE}\n",
            1,
        ),
        Refusal(403, MESSAGE, words=("exec", "q", "--", "id")),
    ),
    "kubectl without a credential": (
        errors.KubectlFailed(
            ["get", "pods"],
            1,
            "error: You must be logged in to the server (Unauthorized)\n",
        ),
        Refusal(401, "Unauthorized", words=("get", "pods")),
    ),
    "the Python client": (
        api_exception(ForbiddenException, status=403, reason="Forbidden", body=TEXT),
        REFUSAL,
    ),
    "a watch of the Python client": (
        api_exception(ApiException, status=401, reason="Unauthorized", body=None),
        Refusal(401, "Unauthorized"),
    ),
    "exec of the Python client": (
        api_exception(ApiException, status=0, reason=HANDSHAKE),
        Refusal(403, 'pods "q" is forbidden: ', "pods", "", "q"),
    ),
    "a Caller": (
        urllib3.HTTPResponse(TEXT.encode(), HTTPMessage(), status=403, request_url=URL),
        with_words(URL),
    ),
    "requests": (of_requests(), with_words(URL)),
    "something between, without a Status": (
        urllib3.HTTPResponse(b"Forbidden\n", HTTPMessage(), 403, request_url="/x"),
        Refusal(403, "Forbidden", words=("/x",)),
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_read(form):
    error, refusal = FORMS[form]
    assert Refusal.read(error) == refusal


@pytest.mark.parametrize(
    ("error", "says"),
    [
        ({**STATUS, "code": 404, "message": "pods q not found"}, "404"),
        (Completed(["get", "pods"], '{"kind": "PodList"}', "", 0), "no refusal"),
        (ValueError("no answer at all"), "a ValueError"),
        (None, "a NoneType"),
        ("some text", "a str"),
        (SimpleNamespace(status=200, reason="OK", body=""), "200"),
        (
            errors.KubectlFailed(["get", "x"], 1, "Error from server (NotFound): x"),
            "KubectlFailed",
        ),
    ],
)
def test_anything_else_is_refused_in_two_lines(error, says):
    """A learner who passes the wrong thing learns what is the right one."""
    with pytest.raises(errors.NotExplainable) as caught:
        Refusal.read(error)
    assert says in caught.value.what
    assert str(caught.value).count("\n") == 1


def test_a_list_is_not_taken_for_a_status():
    """The first Status counts, wherever it begins, and nothing else."""
    assert find_status('{"kind": "PodList", "items": []} {') is None
    assert find_status("") is None
    assert find_status('{"broken": ' + TEXT) == STATUS


def test_options_of_the_refused_command():
    """What follows `--` belongs to somebody else's command."""
    refusal = with_words("get", "pods", "-n", "away", "--as=x", "--", "--user=y")
    assert refusal.option("-n", "--namespace") == "away"
    assert refusal.option("--as") == "x"
    assert refusal.option("--user") == ""


@pytest.mark.parametrize("subresource", ["exec", "attach", "portforward"])
def test_a_url_tells_what_was_to_be_upgraded(subresource):
    refusal = with_words("curl", f"{URL}/{subresource}?command=id")
    expected = {"namespace": "home", "name": "q", "subresource": subresource}
    assert refusal.upgrade == expected
    assert with_words("curl", URL).upgrade == {}
