"""Faults of a kubeconfig are told, and additions of a learner are kept."""

import copy
import json
import os

import pytest

from cluster import errors
from cluster.kubeconfig import (
    holds,
    namespace_of,
    problem,
    read_kubeconfig,
    server_of,
    user_access,
)
from cluster.local.backend import Local
from cluster.machine import layout
from cluster.tests.authority import Authority
from helpers import command
from helpers.api.caller import tls_context

OURS = {
    "current-context": "lab",
    "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "admin"}}],
    "clusters": [{"name": "lab", "cluster": {"server": "https://a:1", "ca": "x"}}],
    "users": [{"name": "admin", "user": {"key": "k"}}],
}


def changed(change):
    document = copy.deepcopy(OURS)
    change(document)
    return document


def nameless(document):
    document["contexts"][0]["context"] = "lab"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (OURS, None),
        (None, "is empty."),
        ({}, "is empty."),
        ("text", "is not a kubeconfig."),
        (changed(lambda d: d.pop("current-context")), "has no current context."),
        (
            changed(lambda d: d.update({"current-context": "x"})),
            "has no context 'x', which it calls the current one.",
        ),
        (
            changed(lambda d: d.update(contexts={"lab": {}})),
            "has no context 'lab', which it calls the current one.",
        ),
        (changed(nameless), "has no context 'lab', which it calls the current one."),
        (
            changed(lambda d: d["contexts"][0]["context"].pop("user")),
            "has no user None, which its context names.",
        ),
        (
            changed(lambda d: d["clusters"][0]["cluster"].pop("server")),
            "has no server for the cluster 'lab'.",
        ),
    ],
)
def test_a_problem_is_named(document, reason):
    assert problem(document) == reason


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        (lambda d: None, True),
        (lambda d: d["contexts"][0]["context"].update(namespace="mine"), True),
        (lambda d: d["users"].append({"name": "ann", "user": {}}), True),
        (lambda d: d["clusters"][0]["cluster"].update(server="https://a:2"), False),
        (lambda d: d["users"][0]["user"].update(key="old"), False),
        (lambda d: d["contexts"][0]["context"].update(user="ann"), False),
        (lambda d: d.pop("current-context"), False),
    ],
    ids=["same", "namespace", "user", "port", "key", "other user", "no context"],
)
def test_what_is_added_is_kept_and_what_is_wrong_is_not(change, kept):
    """A port or a key of an earlier start must be written anew."""
    assert holds(changed(change), OURS) is kept


def test_server_and_namespace_are_those_of_the_context(tmp_path):
    assert server_of(OURS, "lab") == "https://a:1"
    path = tmp_path / "config"
    path.write_text(json.dumps(OURS))
    assert namespace_of(path) == "default"
    there = changed(lambda d: d["contexts"][0]["context"].update(namespace="mine"))
    path.write_text(json.dumps(there))
    assert namespace_of(path) == "mine"


@pytest.mark.parametrize(
    ("contexts", "known"),
    [
        ([{"name": "b"}, {"name": "a"}, {"context": {}}, {"name": 7}, "c"], ["a", "b"]),
        (None, []),
        ({"a": {}}, []),
    ],
)
def test_a_mistyped_context_is_answered_with_those_of_the_file(
    tmp_path, contexts, known
):
    """Not with those of the ambient kubeconfig, which may be another file."""
    path = tmp_path / "config"
    path.write_text(json.dumps({**OURS, "contexts": contexts}))
    with pytest.raises(errors.KubeconfigError) as caught:
        read_kubeconfig(path, context="typo", hint="")
    assert caught.value.message.endswith("has no context 'typo'.")
    assert caught.value.hint.endswith(f": {', '.join(known) or 'none at all'}.")
    assert str(caught.value).count("\n") == 1


@pytest.fixture
def path(tmp_path):
    """Write a kubeconfig whose user has a certificate, in files beside it."""
    authority = Authority("ours")
    (tmp_path / "ca.crt").write_text(authority.pem)
    (tmp_path / "pair").write_text(authority.issue("somebody"))
    cluster = {"server": "https://a:1", "certificate-authority": "ca.crt"}
    pair = {"client-certificate": "pair", "client-key": "pair"}
    clusters = [{"name": "lab", "cluster": cluster}]
    users = [{"name": "admin", "user": pair}]
    (tmp_path / "config").write_text(
        json.dumps({**OURS, "clusters": clusters, "users": users})
    )
    return tmp_path / "config"


def test_a_certificate_from_files(path, monkeypatch, tmp_path):
    """Names count from the kubeconfig; no copy of a key is left, and nothing open."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    opened = len(os.listdir("/proc/self/fd"))
    access = user_access(path)
    assert (access.server, access.token) == ("https://a:1", None)
    assert len(tls_context(access).get_ca_certs()) == 1
    assert len(os.listdir("/proc/self/fd")) == opened
    assert os.listdir(tmp_path / "tmp") == []
    assert "KEY" in access.key and "KEY" not in repr(access)


def test_json_and_yaml_are_read_alike(path):
    """A kubeconfig of `up` is JSON, and others are YAML."""
    as_json = read_kubeconfig(path)
    path.write_text("# by hand\n" + path.read_text())
    assert read_kubeconfig(path) == as_json


def a_directory(path):
    path.unlink()
    path.mkdir()


BREAKAGES = {
    "empty": (lambda path: path.write_text(""), "is empty"),
    "broken YAML": (lambda path: path.write_text("a: [1\nb: }"), "not YAML in line 2"),
    "binary": (lambda path: path.write_bytes(b"\xff\xfe\x00"), "is not YAML"),
    "missing": (lambda path: path.unlink(), "No such file"),
    "a directory": (a_directory, "Is a directory"),
}


@pytest.mark.parametrize(("damage", "said"), BREAKAGES.values(), ids=BREAKAGES)
def test_a_broken_kubeconfig_is_told_and_nobody_is_asked(
    path, monkeypatch, damage, said
):
    """kubectl itself would go on to localhost:8080 with some of these."""
    monkeypatch.setattr(command, "_kubeconfig", path)
    damage(path)
    with pytest.raises(errors.KubeconfigError, match=said) as caught:
        command.kubectl("get", "nodes")
    assert caught.value.path == path
    assert "kapi up` and then the cell with" in caught.value.hint


def test_our_own_is_written_anew_unless_a_learner_has_only_added_to_it(tmp_path):
    lab = Local(tmp_path)
    lab._make_keys()
    lab._ensure_kubeconfig()
    document = read_kubeconfig(lab.kubeconfig)
    for content in ("", "garbage: [", '{"current-context": "x"}'):
        lab.kubeconfig.write_text(content)
        lab._ensure_kubeconfig()
        assert read_kubeconfig(lab.kubeconfig) == document
    document["contexts"][0]["context"]["namespace"] = "mine"
    document["contexts"].append({"name": "other", "context": {"user": "ann"}})
    lab.kubeconfig.write_text(json.dumps(document))
    lab._ensure_kubeconfig()
    assert read_kubeconfig(lab.kubeconfig) == document


def test_each_component_has_the_certificate_of_its_own(tmp_path):
    Local(tmp_path)._make_keys()
    for stem in layout.KUBECONFIG_STEMS:
        access = user_access(tmp_path / "pki" / f"{stem}.conf")
        assert access.certificate == (tmp_path / "pki" / f"{stem}.crt").read_text()
        # kube-proxy must reach the API server without kube-proxy.
        assert access.server == f"https://{layout.NODE_IP}:{layout.API_PORT}"
