"""What can be chosen, and how it is asked for: the same as kubectl and curl would."""

import json
import os
import shlex
import shutil
import subprocess

import pytest

from cluster import errors
from cluster.waiting import until
from helpers import equivalents, explorer, kubectl
from helpers.caller import Caller
from helpers.explorer import Target
from helpers.tokens import create_token
from helpers.widgets.explorer import ApiExplorer, api_explorer
from tests.test_discovery import CORE, NAMED

ME = "system:serviceaccount:%s:default"
FOUND = explorer.resources([CORE, NAMED])
NODES = next(each for each in FOUND if each.name == "nodes")
ALL = "--chunk-size=100  # goes on to the end of the list"
SCALERS = next(each for each in FOUND if each.group == "autoscaling")


def resource(found, name, group=""):
    return next(each for each in found if (each.name, each.group) == (name, group))


def test_from_discovery_to_choices():
    """The preferred version is first, and what opens a connection is not offered."""
    assert explorer.groups(FOUND) == ["", "autoscaling"]
    assert explorer.versions(FOUND, "autoscaling") == ["v2", "v1"]
    core = explorer.of_version(FOUND, "", "v1")
    assert [each.name for each in core] == ["nodes", "nodes/status"]
    assert explorer.describe(NODES) == "nodes (Node)"


def test_an_empty_server():
    """Nothing is offered, and nothing fails."""
    assert explorer.resources([{"items": []}, {}]) == []
    assert explorer.groups([]) == []
    assert explorer.paths({}) == ["/"]


@pytest.mark.parametrize(
    ("target", "path", "line"),
    [
        (Target("/healthz"), "/healthz", "get --raw /healthz"),
        (
            Target("", NODES),
            "/api/v1/nodes?limit=100",
            f"get nodes {ALL}",
        ),
        (Target("", NODES, "", "a"), "/api/v1/nodes/a", "get nodes a"),
        (
            Target("", SCALERS),
            "/apis/autoscaling/v2/horizontalpodautoscalers?limit=100",
            f"get horizontalpodautoscalers.v2.autoscaling --all-namespaces {ALL}",
        ),
        (
            Target("", SCALERS, "x", "a"),
            "/apis/autoscaling/v2/namespaces/x/horizontalpodautoscalers/a",
            "get horizontalpodautoscalers.v2.autoscaling a --namespace=x",
        ),
        (
            Target("", resource(FOUND, "nodes/status"), "", "a"),
            "/api/v1/nodes/a/status",
            "get --raw /api/v1/nodes/a/status",
        ),
    ],
)
def test_how_a_target_is_asked_for(target, path, line):
    """The path, and kubectl's line with the whole name of the resource."""
    assert explorer.request(target).path == path
    assert explorer.request(target).method == "GET"
    assert equivalents.kubectl_line(target, table=True) == f"kubectl {line}"


def test_the_json_of_a_list_is_asked_for_by_its_path():
    """`kubectl get --output=json` would put all pages into a List of its own."""
    line = equivalents.kubectl_line(Target("", NODES))
    assert line == "kubectl get --raw '/api/v1/nodes?limit=100'"


def test_a_name_cannot_leave_its_place():
    """A slash or a question mark in it is part of the name."""
    path = explorer.request(Target("", NODES, "", "../x?y")).path
    assert path == "/api/v1/nodes/..%2Fx%3Fy"
    assert shlex.split(equivalents.kubectl_line(Target("", NODES, "", "a; b")))[3] == (
        "a; b"
    )


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (Target("/"), ""),
        (Target("", NODES), ""),
        (Target("", resource(FOUND, "nodes/status")), "write its name"),
        (Target("", SCALERS, "", "a"), "Choose a namespace"),
    ],
)
def test_what_is_missing_is_said(target, said):
    """Before anything is sent."""
    assert said in explorer.missing(target)
    assert bool(said) == bool(explorer.missing(target))


def test_a_long_list_says_what_is_left_out():
    """With how many, where the server tells."""
    assert explorer.left_out({"metadata": {}}) == ""
    assert "has more" in explorer.left_out({"metadata": {"continue": "x"}})
    known = {"metadata": {"continue": "x", "remainingItemCount": 4900}}
    assert "4,900 more" in explorer.left_out(known)
    for odd in (None, "text", [], {"metadata": None}):
        assert explorer.left_out(odd) == ""


def test_a_table_with_hangul_and_two_namespaces():
    """As kubectl prints it: no wide columns, NAMESPACE where there are several."""
    columns = [{"name": "Name", "priority": 0}, {"name": "Wide", "priority": 1}]
    rows = [
        {"cells": [name, "-"], "object": {"metadata": {"namespace": n, "name": name}}}
        for n, name in (("하나", "🦊"), ("둘", "b"))
    ]
    table = {"kind": "Table", "columnDefinitions": columns, "rows": rows}
    assert explorer.rows(table) == (
        ["NAMESPACE", "NAME"],
        [["하나", "🦊"], ["둘", "b"]],
    )
    assert explorer.names(table) == [("하나", "🦊"), ("둘", "b")]
    assert explorer.rows({"kind": "PodList"}) is None


def test_an_answer_that_is_no_json_is_text():
    """Also one that says it is, and was cut off."""
    assert explorer.parsed("text/plain", b"ok") == "ok"
    assert explorer.parsed("application/json", b'{"a') == '{"a'
    assert explorer.parsed("application/json", b"[1]") == [1]


# --- With a cluster -------------------------------------------------------------------


@pytest.fixture
def view(cluster):
    """Return an explorer of the cluster."""
    with api_explorer(namespace="kube-system") as opened:
        yield opened


def test_it_begins_at_the_root(view):
    """And the answer is the server's own."""
    assert view.answer() == kubectl("get", "--raw", "/").json()
    asked = view.request()
    assert (asked["method"], asked["status"]) == ("GET", 200)
    assert asked["kubectl"] == "kubectl get --raw /"


@pytest.fixture(scope="module")
def reader(namespace):
    """Return a token that may read the ConfigMaps of one namespace."""
    me = ME % namespace
    kubectl("create", "role", "reads", "--verb=get,list", "--resource=configmaps")
    kubectl("create", "rolebinding", "reads", "--role=reads", f"--user={me}")
    return create_token()


@pytest.fixture
def heard(tmp_path, monkeypatch):
    """Return a file with the arguments of each kubectl, curl and jq that is run."""
    arguments = tmp_path / "arguments"
    for tool in ("kubectl", "curl", "jq"):
        program = tmp_path / tool
        lines = ["#!/bin/sh", f'echo {tool} "$@" >>{arguments}']
        lines.append(f'exec {shutil.which(tool)} "$@"')
        program.write_text("\n".join(lines))
        program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return arguments


def answers_of(view: ApiExplorer, token: str = "") -> list[str]:
    """Run the lines to copy in bash, as a learner would; return what they printed."""
    # Not of this process: a shell that gets the token as a learner's variable.
    script = "read -r TOKEN\n{}"
    asked = view.request()
    return [
        subprocess.run(
            ["bash", "-c", script.format(asked[tool])],
            input=f"{token}\n",
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout
        for tool in ("kubectl", "curl")
    ]


def without_version(answer: dict) -> dict:
    """Leave out the moment of a list, which moves with every write to the cluster."""
    if not answer.get("kind", "").endswith("List"):
        return answer
    return answer | {"metadata": {**answer["metadata"], "resourceVersion": ""}}


def parsed(text: str) -> dict:
    return without_version(json.loads(text))


CHOICES = [
    {"path": "/version"},
    {"resource": "configmaps"},
    {"resource": "configmaps", "name": "kube-root-ca.crt"},
]


@pytest.mark.parametrize("choice", CHOICES)
def test_the_lines_to_copy_give_the_same_answer(view, choice):
    """Both are run, as the user of the kubeconfig."""
    answer = view.choose(**choice)
    assert [parsed(text) for text in answers_of(view)] == 2 * [without_version(answer)]


@pytest.mark.parametrize("choice", CHOICES)
def test_the_lines_of_another_token(reader, heard, choice):
    """The same answer, and the token in nobody's list of processes."""
    with api_explorer(Caller.bearer(reader)) as view:
        answer = view.choose(**choice)
        assert answer["kind" if choice.get("resource") else "major"] != "Status"
        answers = answers_of(view, reader.text)
    assert [parsed(text) for text in answers] == 2 * [without_version(answer)]
    assert "curl" in heard.read_text() and "kubectl" in heard.read_text()
    assert reader.text not in heard.read_text()


def test_the_lines_of_nobody(cluster):
    """Also where nobody is allowed something, kubectl asks for no name."""
    with api_explorer(Caller.bearer(), namespace="") as view:
        answer = view.choose(path="/version")
        assert answer["major"] == "1"
        answers = answers_of(view)
    assert [parsed(text) for text in answers] == 2 * [without_version(answer)]


def test_the_line_of_a_table_prints_it(view):
    """With the rows that the explorer has."""
    view.choose(resource="configmaps", table=True)
    printed, _ = answers_of(view)
    assert printed.split()[:3] == ["NAME", "DATA", "AGE"]
    assert "kube-root-ca.crt" in printed


def test_as_a_table(view):
    """The columns are those that kubectl prints."""
    table = view.choose(resource="configmaps", table=True)
    columns, rows = explorer.rows(table)
    assert columns == ["NAME", "DATA", "AGE"]
    assert "kube-root-ca.crt" in [row[0] for row in rows]
    assert "kube-root-ca.crt" in view.text()


def test_a_refusal_is_an_answer(cluster):
    """Status 403 and the Status of the server, for somebody who may do nothing."""
    with api_explorer(Caller.bearer(), namespace="") as nobody:
        answer = nobody.answer()
        assert (answer["kind"], answer["code"]) == ("Status", 403)
        assert "403 Forbidden" in nobody.text()


def test_a_token_is_masked(cluster):
    """Nowhere in what is shown or given back."""
    token = create_token()
    with api_explorer(Caller.bearer(token), namespace="") as view:
        view.choose(path="/version")
        asked = view.request()
        assert asked["headers"]["Authorization"] == "Bearer (masked)"
        assert token.text not in json.dumps(asked) + view.text() + view._head.value


@pytest.mark.parametrize(
    "choice",
    [
        {"group": "no.such.group"},
        {"resource": "nonsense"},
        {"group": "apps", "version": "v9"},
    ],
)
def test_what_is_not_offered(view, choice):
    """One error that names what there is."""
    with pytest.raises(errors.UnknownKind):
        view.choose(**choice)


def test_a_kind_that_appears(view):
    """It is offered although the view was open before, and the choice is kept."""
    group = "appears.example.com"
    version = {"name": "v1", "served": True, "storage": True}
    version |= {"schema": {"openAPIV3Schema": {"type": "object"}}}
    names = {"kind": "Walk", "plural": "walks"}
    manifest = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"walks.{group}"},
        "spec": {
            **{"group": group, "scope": "Cluster"},
            **{"names": names, "versions": [version]},
        },
    }
    view.choose(resource="configmaps")
    kubectl("create", "-f", "-", input=json.dumps(manifest))
    try:
        answer = view.choose(group=group, resource="walks", timeout=30)
        assert answer["kind"] == "WalkList"
    finally:
        kubectl("delete", "crd", f"walks.{group}")
    # And goes: what is shown then is the answer to what is chosen then.
    assert until(lambda: view.request()["url"].endswith("/"), 30)


def test_a_stopped_view_says_so(view):
    """And keeps its last answer."""
    view.choose(path="/version")
    view.stop()
    with pytest.raises(errors.LabError, match="stopped"):
        view.choose(path="/api")
    assert view.answer()["major"] == "1"
