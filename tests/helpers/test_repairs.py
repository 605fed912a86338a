"""What is said of an application: of each fault, and of each wrong repair."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cluster.kind.backend import Kind
from helpers import Caller, create_token, drills, errors, kubectl, repairs, review_token
from helpers.checks.drills import COPIES, LAYERS
from helpers.drills import (
    FILES,
    NAMES,
    break_copies,
    current_pod,
    last_words,
    write_app,
)
from helpers.refusals.unauthorized import diagnose
from tests.notebooks import run_in_shell
from tests.waiting import until


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return where the application's files are, as lessons 26 and 27 write them."""
    before, place = os.getcwd(), tmp_path_factory.mktemp("beside")
    os.chdir(place)
    try:
        yield str(place / write_app("drills"))
    finally:
        os.chdir(before)
        os.environ.pop("FOLDER")


@pytest.fixture(scope="module")
def namespace(namespace, cluster, folder):
    """Run the application of the lesson, and its broken copies."""
    run_in_shell("26-drills", "app-made", NAMESPACE=namespace, FOLDER=folder)
    assert break_copies("app", cluster) == list(NAMES)
    return namespace


@pytest.fixture(autouse=True)
def short_rounds(monkeypatch):
    """Give a wrong repair one more second: the application asks in each."""
    monkeypatch.setattr(repairs, "ROUND", 1.5)


def set_env(drill, *variables):
    kubectl("set", "env", f"deployment/{drill}", *variables)


def patch(drill, **spec):
    patched = {"spec": {"template": {"spec": spec}}}
    kubectl("patch", "deployment", drill, "--patch", json.dumps(patched))


#: what the check of lesson 26 takes for right
RIGHT = {name: LAYERS[letter] for name, letter in COPIES.items()}
FAULTS = {
    "drill-1": "name: nothing is called kubernetes: there is no Service `kubernetes`",
    "drill-2": "are ['serviceAccountToken', 'downwardAPI']. The certificate is",
    "drill-3": "`automountServiceAccountToken: false`",
    "drill-4": "401. Its `exp` was 20",
    "drill-5": "requests pods of the namespace production, and runs in",
}


@pytest.mark.parametrize(("drill", "said"), FAULTS.items())
def test_each_fault_is_named(namespace, drill, said):
    """The layer first, then what of the pod is to blame; never a token.

    The check of lesson 26 knows the layers by heart, because a repaired copy has none.
    """
    diagnosis = repairs.fault_of_app(drill)
    layer, _, _ = diagnosis.partition(":")
    assert layer == RIGHT[drill] and said in diagnosis
    assert "eyJ" not in diagnosis and len(diagnosis.splitlines()) == 1


def test_elsewhere_the_token_is_bound_to_what_is_gone(namespace):
    """No other cluster hands out its key: there it is revoked, and again a 401."""
    token = drills._ended("app", Kind())
    assert Caller.bearer(token).get("/api").status == 401
    verdict = diagnose(token, review_token(token), datetime.now(UTC))
    assert verdict.cause == "revoked" and "secret/gone" in verdict.why


def test_a_check_raises_what_is_said(namespace):
    with pytest.raises(errors.NotSolved, match="^name: nothing is called kubernetes"):
        repairs.demand_answer("drill-1")
    repairs.demand_answer("app")


@pytest.mark.parametrize(
    ("server", "said"),
    [
        ("https://kubernetes.default", ""),
        (
            "https://kubernetes.default.src",
            "continues with `svc`, as in `kubernetes.default.svc`.",
        ),
        ("https://127.0.0.1:1", "address: nothing responds at https://127.0.0.1:1."),
    ],
)
def test_a_server_is_found_or_not(namespace, server, said):
    """Every name that leads there is right; another fault is another diagnosis."""
    set_env("drill-1", f"SERVER={server}")
    diagnosis = repairs.fault_of_app("drill-1")
    assert said in diagnosis and bool(said) == bool(diagnosis)


def test_not_to_check_the_certificate_is_no_repair(namespace):
    """The application gets its answer, and whoever answers gets its token."""
    script = "sed 's#--cacert $FILES/ca.crt#-k#' /app/ask.sh > /tmp/ask; sh /tmp/ask"
    kubectl(
        *("patch", "deployment", "drill-2", "--type=json", "--patch"),
        json.dumps(
            [
                {
                    "op": "replace",
                    "path": "/spec/template/spec/containers/0/args",
                    "value": ["sh", "-c", script],
                }
            ]
        ),
    )
    assert repairs.fault_of_app("drill-2").startswith("TLS: it has no ca.crt")


def test_a_token_from_nowhere_is_told(namespace):
    patch("drill-3", automountServiceAccountToken=True)
    set_env("drill-3", "TOKEN=/nowhere/token")
    said = repairs.fault_of_app("drill-3")
    assert said.startswith("authentication: there is no file /nowhere/token: look at")


def test_a_fresh_token_in_the_secret_is_no_repair(namespace):
    """It works, for an hour."""
    secret = {"stringData": {"token": create_token("app").text}}
    kubectl("patch", "secret", "copied-token", "--patch", json.dumps(secret))
    kubectl("rollout", "restart", "deployment/drill-4")
    said = repairs.fault_of_app("drill-4")
    assert said.startswith("authentication: this works until 20")
    assert "the pod's own one is renewed. The token is read from /copied" in said


def test_a_missing_right_is_traced_to_its_binding(namespace):
    kubectl("delete", "rolebinding", "app")
    try:
        pod = current_pod("app")["metadata"]["name"]
        until(lambda: "403" in last_words(pod))
        assert repairs.fault_of_app("app") == (
            "authorization: the server knows the account. app gets 403 for list on "
            "pods. Role `app` allows it, but no RoleBinding names it."
        )
    finally:
        run_in_shell("27-more-drills", "right-solution", NAMESPACE=namespace)
    until(lambda: "403" not in last_words(pod))
    assert repairs.fault_of_app("app") == ""


def test_what_does_not_run_is_told(namespace):
    """No such Deployment; an image that is not there; a script that is not there."""
    assert "not found" in repairs.fault_of_app("drill-6")
    image = {"name": "main", "image": "no-such-image:1"}
    patch("drill-1", containers=[image])
    said = repairs.fault_of_app("drill-1")
    assert "does not run: container main: " in said and "no-such-image" in said
    other = {"name": "main", "args": ["sh", "-c", "echo hello; sleep infinity"]}
    patch("drill-3", containers=[other], automountServiceAccountToken=True)
    said = repairs.fault_of_app("drill-3")
    words = "The application reports 'hello'; see `kubectl logs drill-3-"
    assert said.startswith(words)


def test_the_files_are_where_the_script_looks(folder):
    """The script of the page and the helpers mean the same directory."""
    assert f"FILES={FILES}\n" in Path(folder, "ask.sh").read_text()


FORBIDDEN = (
    '403: pods is forbidden: User "system:serviceaccount:here:app" cannot list '
    'resource "pods" in API group "" in the namespace "{}"'
)
ANONYMOUS = '403: pods is forbidden: User "system:anonymous" cannot list resource'
LINES = {
    "curl: (6) Could not resolve host: kubernetes": "name",
    "curl: (7) Failed to connect to 10.96.0.1 port 444": "address",
    "curl: (28) Connection timed out after 5001 milliseconds": "address",
    "curl: (60) SSL certificate problem: self-signed certificate": "TLS",
    "curl: (77) error setting certificate file: /x/ca.crt": "TLS",
    "cat: /x/token: No such file or directory": "authentication",
    "401: Unauthorized": "authentication",
    f'{ANONYMOUS} "pods" in API group "" in the namespace "here"': "authentication",
    FORBIDDEN.format("here"): "authorization",
    FORBIDDEN.format("here-2"): "namespace",
    FORBIDDEN.format("there"): "namespace",
}


@pytest.mark.parametrize(("line", "layer"), LINES.items())
def test_a_line_shows_its_layer(line, layer):
    """A namespace whose name begins alike is another one."""
    assert repairs.layer_of(line, "here") == layer


@pytest.mark.parametrize("line", ["200: 4 pods in here", "", "sh: not found"])
def test_no_symptom_is_no_layer(line):
    assert repairs.layer_of(line, "here") == ""
