"""The layer at which an application's request failed is read from its line.

The sentences are among the wrong answers to the exercises of lessons 26 and 27, in
`tests/helpers/exercises/checks/answers.toml`.
"""

import contextlib
import itertools
from types import SimpleNamespace

import pytest

from helpers import errors
from helpers.exercises import repairs
from helpers.exercises.checks.drills import LAYERS
from helpers.exercises.drills import FILES
from helpers.exercises.impostor import PATH, Meeting, Request
from tests.notebooks import ROOT, source

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
    # A namespace whose name begins alike is another one.
    FORBIDDEN.format("here-2"): "namespace",
    FORBIDDEN.format("there"): "namespace",
    "200: 4 pods in here": "",
    "sh: not found": "",
}


@pytest.mark.parametrize(("line", "layer"), LINES.items())
def test_a_line_shows_its_layer(line, layer):
    assert repairs.layer_of(line, "here") == layer


def test_an_application_without_replicas_is_said_at_once(scripted):
    """A pod that is still to come is waited for; here none will."""
    scripted("printf 0")
    assert repairs.fault_of_app("copy") == (
        "There is no pod, because `replicas` is 0: run `kubectl scale deployment copy "
        "--replicas=1`."
    )


def running(name="copy-7f", **state):
    """Return a pod in a state of its container."""
    metadata = {"name": name, "namespace": "here"}
    statuses = [{"name": "main", "state": state}]
    return {"metadata": metadata, "status": {"containerStatuses": statuses}}


def test_a_pod_that_may_still_run_decides_nothing(scripted, monkeypatch):
    """ContainerCreating is no fault, and neither is what a slow runtime says."""
    scripted("""printf '{"items": []}'""")
    backend = SimpleNamespace(image_hint=lambda: "Build it.")
    monkeypatch.setattr(repairs, "backend_in_use", lambda: backend)
    assert repairs.running_or_fault(running(running={}))[0][1] == ""
    for reason, message in [
        ("ContainerCreating", ""),
        ("CreateContainerError", "context deadline exceeded"),
    ]:
        waiting = {"reason": reason, "message": message}
        assert repairs.running_or_fault(running(waiting=waiting))[0] is None
    lacking = {"reason": "ErrImageNeverPull", "message": "no image"}
    [(_, fault), _] = repairs.running_or_fault(running(waiting=lacking))
    assert fault.startswith("Pod copy-7f does not run: container main: ErrImage")


@pytest.mark.parametrize(
    ("reach", "is_cause"),
    [
        ("7 0 0.02", True),
        ("28 0 0.4", True),
        # The genuine server is slow, or silent, too.
        ("28 0 4.1", False),
        ("28 28 60.0", False),
        # It responds by now.
        ("0 0 0.02", False),
        ("", False),
    ],
)
def test_an_address_is_at_fault_if_the_genuine_server_responds(reach, is_cause):
    pod = {
        "spec": {"containers": [{"env": [{"name": "SERVER", "value": "https://x"}]}]}
    }
    pod["metadata"] = {"name": "copy-7f"}
    line = "curl: (28) Connection timed out after 5001 milliseconds"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repairs, "current_namespace", lambda: "here")
        said = repairs.cause_of_failure(line, pod, reach)
    assert bool(said) is is_cause


@pytest.mark.parametrize(
    ("reach", "error"),
    [("0 0 0.02", None), ("28 28 60.0", errors.Undecided)],
    ids=["prompt", "slow"],
)
def test_a_silent_application_is_at_fault_while_the_server_is_prompt(
    monkeypatch, reach, error
):
    """What does nothing says nothing however often it is looked at."""
    pod = {"metadata": {"name": "copy-7f"}, "spec": {"containers": [{}]}}
    monkeypatch.setattr(repairs, "last_line", lambda _: "")
    monkeypatch.setattr(repairs, "current_namespace", lambda: "here")
    monkeypatch.setattr("helpers.exercises.evidence.STILL", 1.0)
    monkeypatch.setattr(
        repairs, "exec_in_pod", lambda *_: SimpleNamespace(stdout=reach)
    )
    with pytest.raises(error) if error else contextlib.nullcontext():
        line, fault = repairs._last_round(pod)
        assert line == ""
        assert fault.startswith("The application reports '', and not `200: N pods in")


def test_an_application_whose_lines_change_is_judged_too(monkeypatch):
    """It would never say the same twice, and never be decided."""
    pod = {"metadata": {"name": "copy-7f"}, "spec": {"containers": [{}]}}
    lines = itertools.count(1)
    monkeypatch.setattr(repairs, "last_line", lambda _: f"round {next(lines)}")
    monkeypatch.setattr(repairs, "current_namespace", lambda: "here")
    monkeypatch.setattr("helpers.exercises.evidence.MOST", 2.0)
    reach = SimpleNamespace(stdout="0 0 0.02")
    monkeypatch.setattr(repairs, "exec_in_pod", lambda *_: reach)
    line, fault = repairs._last_round(pod)
    assert fault.startswith(f"The application reports {line!r}, and not `200: N pods")


@pytest.mark.parametrize(("letter", "layer"), LAYERS.items())
def test_the_letters_are_those_of_the_page(letter, layer):
    assert f"| {letter} | {layer} |" in source("26-drills", "layers-task")


def test_the_files_are_where_the_script_looks():
    """The script of the page and the helpers mean the same directory."""
    assert f"FILES={FILES}\n" in (ROOT / "helpers/data/ask.sh").read_text("utf-8")


def met(counted, *, path=PATH, credential="own", given=()):
    """Return what an application met that sent a request, and printed lines."""
    heard = [Request("GET", path, credential)]
    counts = (counted, "200: 31 pods")
    return Meeting(["localhost"], heard, list(given), False, *counts, False, True)


def test_an_application_prints_what_the_server_of_its_copy_returned():
    """A line that it prints itself, in whatever case, is no response."""
    alone = met([])
    right = met(["200: 31 pods", "200: 31 pods"])
    judge = repairs._fault_of_meetings
    assert judge(right, alone, right) == ""
    said = "Its line `200: …` is not what the server returned: …"
    for genuine, impostor in [
        (met(["200: 3 pods"]), alone),
        (met(["200: 3 pods", "200: 31 pods"]), alone),
        (alone, alone),
        (right, met(["200: 31 pods"])),
    ]:
        assert judge(genuine, impostor, right).startswith(said[:-1])
    for asked in (
        met(right.counted, path="/version"),
        met(right.counted, path="/api/v1/namespaces/here/pods"),
        met(right.counted, credential="other"),
    ):
        assert judge(asked, alone, right).startswith("Asked with other files, ")
    late = met(right.counted, given=alone.heard)
    assert judge(right, late, right).startswith("TLS: an impostor gets its request")
    for genuine, turning in [(late, right), (right, late)]:
        found = judge(genuine, alone, turning)
        assert found.startswith("TLS: an impostor on a later connection")
