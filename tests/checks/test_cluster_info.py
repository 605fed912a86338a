"""What a check says of the server's answers, and of a learner's predictions."""

import pytest

from cluster.kubeconfig import current_entries, pem_of
from helpers.caller import Caller
from helpers.checks import cluster_info, start_here


@pytest.fixture(scope="module")
def callers(cluster):
    """Return nobody, and the user of the kubeconfig."""
    entry, _ = current_entries(cluster.kubeconfig)
    ca = pem_of(entry, "certificate-authority", cluster.kubeconfig)
    return {
        "nobody": Caller(cluster.server, ca=ca),
        "bad": Caller(cluster.server, ca=ca, token="nonsense"),
        "admin": Caller.from_kubeconfig(cluster.kubeconfig),
    }


RIGHT = {
    ("nobody", "/livez"): 200,
    ("nobody", "/"): 403,
    ("bad", "/livez"): 401,
    ("admin", "/nosuch"): 404,
}


def test_right_predictions_hold(callers):
    """One of each status."""
    assert cluster_info.predictions_hold(RIGHT, callers) == ""


@pytest.mark.parametrize(("question", "status"), RIGHT.items())
def test_a_wrong_prediction_is_told_with_the_reason(callers, question, status):
    """The answer, and the thought that was missing."""
    said = cluster_info.predictions_hold(RIGHT | {question: 500}, callers)
    name, path = question
    assert said.startswith(f"{name} on {path}: predicted 500, the server says {status}")
    assert len(said.splitlines()) == 1 and said.count(".") >= 2


def test_no_prediction_is_told_before_the_server_is_asked():
    """No caller is needed for it."""
    said = cluster_info.predictions_hold({("nobody", "/"): None}, {})
    assert said == "There is no prediction yet for nobody on /."


def test_both_refusals_of_a_stranger_are_explained():
    """A cluster may answer either, and the sentence says which it was."""
    for status in (401, 403):
        assert cluster_info.anonymous_refusal(status).startswith(f"{status}: ")
    assert cluster_info.anonymous_refusal(200) == ""


def test_a_label_is_there_or_its_fault_is_named(cluster):
    """Nothing there, no such label, another value, all well."""
    space = "namespace/kube-public"
    key = "kubernetes.io/metadata.name"
    assert start_here.label_is(space, key, "kube-public") == ""
    assert "is 'kube-public', not 'x'" in start_here.label_is(space, key, "x")
    assert f"it has {key}" in start_here.label_is(space, "mood", "x")
    assert "not found" in start_here.label_is("namespace/no-such", "mood", "x")
