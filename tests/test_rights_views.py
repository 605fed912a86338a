"""Three views against a real cluster: what they show is so, and they end."""

import threading
import time

import pytest

from cluster import errors
from cluster.waiting import until
from helpers import widgets
from helpers.command import kubectl
from helpers.pods import apply, wait_for
from helpers.tokens import create_token, write_token
from helpers.watch import Watch
from helpers.widgets import downward

TIMEOUT = 60.0
POD = """
apiVersion: v1
kind: Pod
metadata: {name: downward, labels: {foo: bar}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: toolbox:1
    command: [sleep, infinity]
    env: [{name: FOO, valueFrom: {fieldRef: {fieldPath: "metadata.labels['foo']"}}}]
    volumeMounts: [{name: labels, mountPath: /etc/downward}]
  volumes:
  - name: labels
    downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}
"""


@pytest.fixture(scope="module")
def namespace(namespace):
    apply(POD)
    wait_for("condition=Ready", "pod/downward")
    return namespace


@pytest.fixture(autouse=True)
def nothing_left():
    """Fail if a view leaves a thread."""
    before = set(threading.enumerate())
    yield
    assert until(lambda: before.issuperset(threading.enumerate()), TIMEOUT)


def test_the_account_that_was_asked_for_stays(namespace):
    """Although the list of accounts comes later, with others in it."""
    kubectl("create", "serviceaccount", "reader")
    kubectl("create", "role", "see", "--verb=get,list", "--resource=pods")
    to = f"--serviceaccount={namespace}:reader"
    verbs, things = ["get", "delete"], ["pods", "secrets"]
    with widgets.access_matrix("reader", verbs=verbs, resources=things) as view:
        assert set(view.frame()["AFTER"]) == {"no"}
        view.remember()
        kubectl("create", "rolebinding", "see", "--role=see", to)
        view.wait_for("yes", "get", "pods", timeout=TIMEOUT)
        [row] = view.frame().query("AFTER == 'yes'").to_dict("records")
        assert (row["RESOURCE"], row["VERB"], row["BEFORE"]) == ("pods", "get", "no")
        assert row["GRANTED BY"] == "RoleBinding see" and not row["TOO MUCH"]
        view.suppose(True)
        assert view.frame()["TOO MUCH"].tolist() == [False, True, True, True]
        view.suppose(False)
        view.choose("default")
        assert set(view.frame()["AFTER"]) == {"no"}
        with pytest.raises(errors.LabError, match="needs a name"):
            view.choose(" ")
    assert view.stopped


@pytest.mark.parametrize("bad", ["two words", "🙂", "x" * 64, "-"])
def test_a_value_that_no_label_may_have(namespace, bad):
    """The server's own sentence, and nothing has changed."""
    with widgets.downward_view("downward") as view:
        with pytest.raises(errors.ApiError) as caught:
            view.set_label(bad)
        assert caught.value.status == 422
        assert view.frame().empty


def test_kubectl_label_is_a_change_too(namespace):
    """Whoever changes it: the seconds are measured, the variable stays."""
    with widgets.downward_view("downward") as view:
        assert until(lambda: view.model.file == "bar", TIMEOUT)
        began = time.monotonic()
        kubectl("label", "pod", "downward", "foo=by-kubectl", "--overwrite")
        seconds = view.wait_for("by-kubectl")
        assert 0 <= seconds <= time.monotonic() - began
        [change] = view.frame().to_dict("records")
        assert (change["LABEL"], change["VARIABLE THEN"]) == ("by-kubectl", "bar")


def test_a_change_that_is_quicker_than_the_watch(namespace, monkeypatch):
    """The label is set before the first list, which then has the new value."""

    class Late(Watch):
        def start(self):
            kubectl("label", "pod", "downward", "foo=quick", "--overwrite")
            return super().start()

    monkeypatch.setattr(downward, "Watch", Late)
    began = time.monotonic()
    with widgets.downward_view("downward") as view:
        assert 0 <= view.wait_for("quick") <= time.monotonic() - began
        assert view.frame()["LABEL"].tolist() == ["quick"]


def test_there_is_no_such_pod_or_label(namespace):
    with pytest.raises(errors.ApiError) as caught:
        widgets.downward_view("nobody")
    assert caught.value.status == 404
    with widgets.token_clock("nobody") as view:
        assert until(lambda: "not found" in view.said, TIMEOUT)
        assert view.frame().empty and view.claims() == {}


def test_a_token_that_no_kubelet_renews(namespace):
    """A file that was written by hand: the clock says who must renew it."""
    write_token("downward", create_token(), path="/tmp/token", container="main")
    with widgets.token_clock("downward", path="/tmp/token") as clock:
        assert until(lambda: "whoever wrote the file" in clock._hands.value, TIMEOUT)
        assert "a kubelet would ask for the next: in" in clock.text()
        assert "the kubelet asks" not in clock.text() + clock._hands.value


def test_a_pod_that_goes_is_told(namespace):
    """And its token was the one that the kubelet had made for it."""
    apply(POD.replace("name: downward,", "name: short,"))
    wait_for("condition=Ready", "pod/short")
    with widgets.downward_view("short") as label, widgets.token_clock("short") as clock:
        assert until(lambda: not clock.frame().empty, TIMEOUT)
        assert clock.frame()["BOUND TO"].tolist() == ["pod/short"]
        assert clock.claims()["kubernetes.io"]["pod"]["name"] == "short"
        assert until(lambda: "The kubelet may ask" in clock._hands.value, TIMEOUT)
        assert "the kubelet asks for the next: in" in clock.text()
        kubectl("delete", "pod", "short")
        assert until(lambda: label.said == "Pod short is gone.", TIMEOUT)
        assert until(lambda: "cannot be looked into" in clock.said, TIMEOUT)
