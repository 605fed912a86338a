"""The audit log holds what a block caused, whoever asked, and no component's reads."""

import json
import os
import stat
import subprocess
import threading

import pytest
import yaml

from cluster.errors import LabError
from cluster.existing.backend import Existing
from cluster.machine import audit
from helpers import audit_log, create_token, errors, exec_in_pod, kubectl, wait_for
from helpers.audit import COLUMNS
from helpers.caller import Caller
from helpers.command import backend_in_use
from tests.waiting import until
from tools import leaks

TIMEOUT = 60.0


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
    """Each in a way of its own: kubectl, curl, Python; allowed, refused, unknown."""
    token = create_token("default")
    path = f"/api/v1/namespaces/{namespace}/secrets"
    curl = ["curl", "--silent", "--insecure", cluster.server + path]
    log = audit_log()
    kubectl("get", "secrets")
    subprocess.run(curl, check=True, stdout=subprocess.DEVNULL)
    Caller.bearer(token).get(path)
    kubectl("create", "token", "default")
    frame = log.stop()
    assert tuple(frame.columns) == COLUMNS
    asked = rows(frame, RESOURCE="secrets", NAMESPACE=namespace, VERB="list")
    assert [(user, code) for user, _, code in asked] == [
        ("kubernetes-admin", 200),
        ("system:anonymous", 403),
        (f"system:serviceaccount:{namespace}:default", 403),
    ]
    agents = [agent.partition("/")[0] for _, agent, _ in asked]
    assert agents == ["kubectl", "curl", "python-httpx"]
    [created] = rows(frame, RESOURCE="serviceaccounts/token", NAMESPACE=namespace)
    assert created[2] == 201
    assert (frame["MS"] > 0).all() and not frame["RESOURCE"].str.contains("mark").any()
    assert frame["TIME"].is_monotonic_increasing


def test_a_pod_and_nothing_that_components_did_for_it(cluster, namespace):
    """The scheduler's binding and the kubelet's reads are not what a learner did."""
    url = "https://kubernetes.default.svc/api/v1/pods"
    log = audit_log()
    kubectl("run", "app", "--image=toolbox:1", "--", "sleep", "infinity")
    wait_for("condition=Ready", "pod/app")
    exec_in_pod("app", "curl", "--silent", "--insecure", url)
    frame = log.stop()
    [(user, agent, code)] = rows(frame, RESOURCE="pods", VERB="list", NAME="")[-1:]
    assert (user, agent.partition("/")[0], code) == ("system:anonymous", "curl", 403)
    assert rows(frame, RESOURCE="pods/exec", NAME="app")
    assert not rows(frame, RESOURCE="pods/binding", NAME="app")
    assert not frame["USER"].isin([*audit.USERS, "system:node:lab-control-plane"]).any()
    kubectl("delete", "pod", "app", "--now")


def test_only_what_the_block_caused(namespace):
    """Not a watch that began before; one that began inside, also while it is open."""
    caller = Caller.from_kubeconfig(backend_in_use().kubeconfig)
    path = f"/api/v1/namespaces/{namespace}/configmaps?watch=1&timeoutSeconds="
    before = threading.Thread(target=caller.get, args=(path + "2",))
    before.start()
    # Go writes `&` as an escape into JSON. The whole path: lessons watch, too.
    begun = f"{path}2".replace("&", "\\u0026")
    until(lambda: begun in backend_in_use().audit_log(), TIMEOUT)
    log = audit_log()
    before.join()
    with caller.stream(path + "90", headers={}, silence=TIMEOUT) as reply:
        kubectl("create", "configmap", "seen")
        frame = log.stop()
        reply.close()
    watched = frame[frame["VERB"] == "watch"]
    assert list(watched["CODE"]) == [200] and watched["MS"].isna().all()
    assert rows(frame, VERB="create", RESOURCE="configmaps", NAME="seen")


def test_a_resource_is_written_as_kubectl_writes_it(namespace):
    log = audit_log()
    kubectl("get", "--raw", "/version?timeout=1s")
    kubectl("create", "deployment", "web", "--image=toolbox:1", "--replicas=0")
    kubectl("scale", "deployment", "web", "--replicas=0")
    kubectl("auth", "can-i", "get", "pods", "--as=somebody", check=False)
    found = log.stop()
    assert {"/version", "deployments.apps", "deployments.apps/scale"} <= set(
        found["RESOURCE"]
    )
    assert "kubernetes-admin as somebody" in set(found["USER"])


def test_a_log_that_does_not_come_is_an_error(cluster, monkeypatch):
    log = audit_log()
    monkeypatch.setattr(audit, "read", lambda place: "")
    monkeypatch.setattr("helpers.audit.IN_LOG", 0.1)
    with pytest.raises(errors.NotReady, match="last request of this block"):
        log.stop()


EVENT = {
    "auditID": "1",
    "requestURI": "/",
    "user": {},
    "requestReceivedTimestamp": "2099-01-01T00:00:00Z",
    "stage": "ResponseStarted",
    "verb": "get",
}
ODD = {
    "no JSON": "a diary",
    "no end": "[" * 200_000,
    "no event": "[]",
    "no code": json.dumps({**EVENT, "responseStatus": {"code": 10**30}}),
}


@pytest.mark.parametrize("line", ODD.values(), ids=ODD)
def test_a_log_that_a_pod_has_written_to_is_an_error(directory, monkeypatch, line):
    """As the helper reads it: in the file itself other tests would meet the line."""
    read = audit.read

    def spoiled(place) -> str:
        lines = read(place).splitlines()
        last = max(n for n, text in enumerate(lines) if "audit-mark=" in text)
        return "\n".join([*lines[:last], line, *lines[last:]])

    log = audit_log()
    monkeypatch.setattr(audit, "read", spoiled)
    with pytest.raises(errors.LabError, match="a pod may have written to it"):
        log.stop()


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


def test_a_block_that_is_longer_than_the_log_is_an_error(directory):
    log = audit_log()
    for _ in range(2):
        _fill(directory / audit.NAME)
        kubectl("get", "--raw", "/version")
    with pytest.raises(errors.LabError, match="does not reach back"):
        log.stop()
    until(lambda: len([*directory.glob(audit.FULL)]) == 1, 10, "the oldest is removed")


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


def test_an_existing_cluster_keeps_it_to_itself(monkeypatch, tmp_path):
    monkeypatch.setattr("helpers.command._backend", Existing(tmp_path))
    with pytest.raises(LabError, match="audit log"):
        audit_log()


def test_before_a_connection(monkeypatch):
    monkeypatch.setattr("helpers.command._backend", None)
    with pytest.raises(errors.NotConnected):
        audit_log()


def test_a_cluster_that_was_started_without_one(monkeypatch):
    class Older:
        def audit_log(self):
            return ""

    monkeypatch.setattr("helpers.command._backend", Older())
    with pytest.raises(errors.LabError, match="writes no audit log"):
        audit_log()


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


def test_a_file_that_vanishes_is_read_over(tmp_path):
    os.symlink(tmp_path / "gone", tmp_path / "audit-1.log")
    (tmp_path / audit.NAME).write_text("one\n")
    assert audit.read(tmp_path) == "one\n"
