"""Pods with an ambassador: who has the token, and what a played kubelet does to it."""

import pytest

from helpers import errors
from helpers.ambassadors import (
    ambassador_pod,
    ask_ambassador,
    play_kubelet,
    run_ambassador,
)
from helpers.caller import Caller
from helpers.command import kubectl
from helpers.pods import exec_in_pod
from helpers.tokens import MOUNTED, read_token


@pytest.fixture(scope="module")
def namespace(namespace):
    kubectl("create serviceaccount app")
    return namespace


@pytest.mark.parametrize("played", [False, True])
def test_the_ambassador_alone_has_the_token(namespace, played):
    """Nothing else in the pod mounts the directory, but what holds it open."""
    spec = ambassador_pod("p", "true", played=played)["spec"]
    assert spec["automountServiceAccountToken"] is False
    mounts = {
        one["name"]: [mount["name"] for mount in one.get("volumeMounts", [])]
        for one in spec["initContainers"] + spec["containers"]
    }
    having = [name for name, names in mounts.items() if "identity" in names]
    assert having == (["files", "ambassador"] if played else ["ambassador"])
    assert "socket" in mounts["main"] and "socket" not in mounts["neighbour"]


def test_an_ambassador_listens_when_the_call_returns(namespace):
    """Its token is the kubelet's, bound to the pod; the neighbours have none."""
    token = run_ambassador("real", "kubectl proxy")
    assert token.bound_to == "pod/real"
    answer = ask_ambassador("real", "/api", container="neighbour")
    assert (answer.status, answer.json()["kind"]) == (200, "APIVersions")
    posted = ask_ambassador("real", "/api", "-X", "POST", expect=403)
    assert posted.status == 403
    assert ask_ambassador("real", "/api", at="http://localhost:9").status == 0
    assert exec_in_pod("real", "ls", MOUNTED, container="main").exit_code != 0


def test_a_played_kubelet_renews_and_ends(namespace):
    """The file holds the new token, and the old one ends; it can be done again."""
    first = run_ambassador("played", "kubectl proxy", played=True)
    second = play_kubelet("played")
    third = play_kubelet("played")
    assert read_token("played", container="ambassador") == third
    assert len({first.id, second.id, third.id}) == 3
    for ended in (first, second):
        Caller.bearer(ended).wait_for(401, "/api")
    assert Caller.bearer(third).get("/api").status == 200


def test_a_script_that_fails_is_told(namespace, monkeypatch):
    """Its own last words say why nothing listens."""
    monkeypatch.setattr("helpers.ambassadors.STARTS_WITHIN", 1.0)
    with pytest.raises(errors.NotReady) as failed:
        run_ambassador("broken", "cat nothing")
    assert "No such file" in failed.value.last
