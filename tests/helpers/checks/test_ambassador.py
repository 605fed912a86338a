"""An ambassador outlives its token if it reads the file again, and only then."""

import pytest

from helpers import errors
from helpers.ambassadors import run_ambassador
from helpers.checks import ambassador
from helpers.command import kubectl

FILES = "cd /var/run/secrets/kubernetes.io/serviceaccount;"
SERVER = "--server=https://kubernetes.default.svc --certificate-authority=ca.crt"
WRONG = {
    "argument": (f'{FILES} kubectl proxy {SERVER} --token="$(cat token)"', "--token"),
    "copied": (
        f"{FILES} kubectl config set-credentials app --token=$(cat token) >/dev/null;"
        f" exec kubectl proxy {SERVER} --user=app",
        "does not read the file again",
    ),
}


@pytest.fixture(scope="module", autouse=True)
def account(namespace):
    kubectl("create serviceaccount app")


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(ambassador, "STARTED", 1.0)
    monkeypatch.setattr("helpers.ambassadors.FORGOTTEN", 2.0)


@pytest.mark.parametrize("name", WRONG)
def test_a_copy_of_the_token_is_told(impatient, name):
    """An argument and a kubeconfig are copies; no diagnosis holds a token."""
    script, says = WRONG[name]
    token = run_ambassador(name, script, played=True)
    with pytest.raises(errors.NotSolved, match=says) as wrong:
        ambassador.outlive_token(name)
    assert token.text not in str(wrong.value)


def test_an_ambassador_that_is_not_there_is_told(impatient):
    """It may have said that it listens, and ended."""
    run_ambassador("gone", "echo Starting to serve on; exec sleep infinity")
    with pytest.raises(errors.NotSolved, match="kubectl logs gone"):
        ambassador.outlive_token("gone")


def test_a_token_that_the_kubelet_renews_is_told(impatient):
    """Nobody could end it without the pod."""
    run_ambassador("kubelet", "exec kubectl proxy")
    with pytest.raises(errors.NotSolved, match="played=True"):
        ambassador.outlive_token("kubelet")
