"""The audit log holds what a block caused, whoever asked, and no component's reads."""

import json
import os
import stat
import subprocess
from types import SimpleNamespace

import pytest
import yaml

from cluster.errors import LabError
from cluster.existing.backend import Existing
from cluster.machine import audit
from cluster.tests.running import run, sleeper
from helpers import audit_log, create_token, errors, exec_in_pod, kubectl
from helpers.api.caller import Caller
from helpers.command import backend_in_use
from helpers.views.audit import COLUMNS
from tools import leaks


def rows(frame, **wanted) -> list[tuple]:
    """Return user, agent and code of the rows with these values."""
    for column, value in wanted.items():
        frame = frame[frame[column] == value]
    return list(frame[["USER", "AGENT", "CODE"]].itertuples(index=False, name=None))


@pytest.fixture
def directory(cluster):
    """Return where the log of the connected cluster is, if that is on this machine."""
    place = cluster.kubeconfig.parent / "audit"
    if not place.exists():
        pytest.skip("the audit log of this cluster is in its node")
    return place


def test_whoever_asks_is_in_it(cluster, namespace):
    """Each in a way of its own: kubectl, curl, Python; allowed, refused, unknown.

    The scheduler's binding and the kubelet's reads are not what a learner did.
    """
    token = create_token("default")
    path = f"/api/v1/namespaces/{namespace}/secrets"
    curl = ["curl", "--silent", "--insecure"]
    log = audit_log()
    kubectl("get", "secrets")
    subprocess.run([*curl, cluster.server + path], check=True, capture_output=True)
    Caller.bearer(token).get(path)
    run(sleeper("app"))
    exec_in_pod("app", *curl, f"https://kubernetes.default.svc{path}")
    frame = log.stop()
    asked = rows(frame, RESOURCE="secrets", NAMESPACE=namespace, VERB="list")
    assert [(user, agent.partition("/")[0], code) for user, agent, code in asked] == [
        ("kubernetes-admin", "kubectl", 200),
        ("system:anonymous", "curl", 403),
        (f"system:serviceaccount:{namespace}:default", "python-httpx", 403),
        ("system:anonymous", "curl", 403),
    ]
    assert rows(frame, RESOURCE="pods/exec", NAME="app")
    assert not rows(frame, RESOURCE="pods/binding", NAME="app")
    assert not frame["USER"].isin([*audit.USERS, "system:node:lab-control-plane"]).any()
    assert frame["TIME"].is_monotonic_increasing


@pytest.mark.full("the API server's own rotation of its log")
def test_a_log_that_is_full_in_the_block_is_read_from_both_files(directory, namespace):
    """The server renames the file when it is full; this does the same by hand."""
    log = audit_log()
    kubectl("get", "configmaps")
    _fill(directory / audit.NAME)
    kubectl("get", "secrets")
    found = log.stop()
    seen = found[found["NAMESPACE"] == namespace]
    assert list(seen["RESOURCE"]) == ["configmaps", "secrets"]
    full = sorted(directory.glob(audit.FULL))
    assert len(full) == 1
    for path in (directory / audit.NAME, *full):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def _fill(path) -> None:
    """Have the server begin a new file with the next event."""
    already = {*path.parent.glob(audit.FULL)}
    caller = Caller.from_kubeconfig(backend_in_use().kubeconfig)
    for _ in range(400):
        # An address counts; 30 kB are a long one, and still taken.
        caller.get(f"/version?fill={'x' * 30_000}")
        if {*path.parent.glob(audit.FULL)} - already:
            return
    raise AssertionError("the file never becomes full")


def test_nothing_in_it_is_secret(cluster, namespace):
    """Neither a token nor what is in a Secret."""
    kubectl("create", "secret", "generic", "diary", "--from-literal=word=sesame")
    token = create_token("default")
    Caller.bearer(token).get("/api")
    lines = backend_in_use().audit_log().splitlines()
    text = "\n".join(line for line in lines if namespace in line)
    for secret in (token.text, token.text.split(".")[2], "c2VzYW1l"):
        assert secret not in text
    assert text and leaks.find(text) == []


def test_no_policy_rule_hides_a_learner():
    """A rule that leaves something out names users or groups of the cluster's own."""
    *without, last = yaml.safe_load(audit.policy())["rules"]
    assert last == {"level": "Metadata"}
    for rule in without:
        assert rule["level"] == "None"
        users = {*rule.get("users", ()), *rule.get("userGroups", ())}
        anonymous = "system:anonymous" in users and "nonResourceURLs" in rule
        assert anonymous or users and users <= {*audit.USERS, *audit.GROUPS}
        assert "kubernetes-admin" not in json.dumps(rule)


def test_full_files_are_read_first_and_one_that_vanishes_is_read_over(tmp_path):
    (tmp_path / audit.NAME).write_text("three\n")
    for number, text in ((2, "two\n"), (1, "one\n")):
        (tmp_path / f"audit-{number}.log").write_text(text)
    os.symlink(tmp_path / "gone", tmp_path / "audit-3.log")
    assert audit.read(tmp_path) == "one\ntwo\nthree\n"


# --- Without a cluster ----------------------------------------------------------------

MARKS = ["/version?audit-mark=1", "/version?audit-mark=2"]


def event(uri="/", second=1, user="me", about=(), **more) -> str:
    """Return a line of the log."""
    began, ended = (f"2099-01-01T00:00:0{second}.{part}Z" for part in (0, 25))
    content = {
        "auditID": f"{uri}{second}",
        "requestURI": uri,
        "user": {"username": user},
        "verb": "get",
        "objectRef": dict(about),
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": began,
        "stageTimestamp": ended,
        "stage": "ResponseComplete",
    }
    return json.dumps(content | more)


@pytest.fixture
def written(monkeypatch):
    """Return a function that has the API server write these lines, and opens a log."""
    marks = iter(MARKS)
    monkeypatch.setattr("helpers.views.audit._mark", lambda: next(marks))
    monkeypatch.setattr("helpers.views.audit.IN_LOG", 0.1)

    def write(*lines):
        text = "\n".join(lines)
        backend = SimpleNamespace(audit_log=lambda: text, slowness=lambda: 1.0)
        monkeypatch.setattr("helpers.command._backend", backend)
        return audit_log()

    return write


FIRST, LAST = event(MARKS[0]), event(MARKS[1], 9)


def test_a_request_is_written_as_kubectl_writes_it(written):
    """A row for each, also for a watch, which has an event at its start and its end."""
    scale = {"resource": "deployments", "apiGroup": "apps", "subresource": "scale"}
    watch = {"verb": "watch", "about": {"resource": "pods"}}
    ended = written(
        # Received before, and answered inside.
        FIRST,
        event(second=0),
        event("/version?timeout=1s", 2),
        # From another notebook.
        event("/version?audit-mark=3", 3),
        event(second=3, about=scale, impersonatedUser={"username": "somebody"}),
        event("/watch", 5, stage="ResponseStarted", **watch),
        event("/watch", 5, **watch),
        event(second=6, user="system:apiserver"),
        event("/open", 4, stage="ResponseStarted", **watch),
        LAST,
    ).stop()
    assert tuple(ended.columns) == COLUMNS
    assert ended[["RESOURCE", "USER", "MS"]].fillna(0).values.tolist() == [
        ["/version", "me", 250],
        ["deployments.apps/scale", "me as somebody", 250],
        ["pods", "me", 0],
        ["pods", "me", 250],
    ]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([FIRST], "last request of this block"),
        ([LAST], "does not reach back"),
        ([FIRST, "a diary", LAST], "a pod may have written to it"),
        ([FIRST, "[" * 200_000, LAST], "a pod may have written to it"),
        ([FIRST, "[]", LAST], "a pod may have written to it"),
        (
            [FIRST, event(responseStatus={"code": 10**30}), LAST],
            "a pod may have written to it",
        ),
    ],
    ids=["no end", "no begin", "no JSON", "no end of JSON", "no event", "no code"],
)
def test_a_log_that_cannot_be_read_is_an_error(written, lines, said):
    log = written(*lines)
    with pytest.raises(LabError, match=said):
        log.stop()


def test_where_there_is_none(written, monkeypatch, tmp_path):
    """An existing cluster keeps its own to itself; before `connect()` is no cluster."""
    with pytest.raises(LabError, match="writes no audit log"):
        written()
    for backend, error in ((Existing(tmp_path), LabError), (None, errors.NotConnected)):
        monkeypatch.setattr("helpers.command._backend", backend)
        with pytest.raises(error):
            audit_log()
