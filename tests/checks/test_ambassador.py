"""What a check of ambassadors says: doors that are too wide, tokens that end."""

import json

import pytest

from helpers.checks import ambassador, lets_only_read_pods, lives_on
from helpers.command import kubectl
from helpers.podfiles import wait_for_output
from helpers.pods import apply, wait_for
from helpers.tokens import create_token, write_token

FILES = "/var/run/secrets/kubernetes.io/serviceaccount"
METHODS = "--reject-methods=^(POST|PUT|PATCH|DELETE)$"


@pytest.fixture(scope="module")
def namespace(cluster):
    name = cluster.create_namespace("ambassador-checks")
    kubectl("create", "serviceaccount", "app")
    kubectl("create", "role", "app", "--verb=get,list", "--resource=pods")
    kubectl(
        "create", "rolebinding", "app", "--role=app", f"--serviceaccount={name}:app"
    )
    yield name
    cluster.delete_namespace(name)


def container(name, *command, **more):
    return {"name": name, "image": "toolbox:1", "command": list(command), **more}


def pod(name, *containers, **more):
    sidecars = [
        part if part["name"] == "wait" else {**part, "restartPolicy": "Always"}
        for part in containers
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "serviceAccountName": "app",
            "terminationGracePeriodSeconds": 0,
            "initContainers": sidecars,
            "containers": [container("main", "sleep", "infinity")],
            **more,
        },
    }


def pattern(namespace, end):
    return f"--accept-paths=^/api/v1/namespaces/{namespace}/pods{end}"


DOORS = {
    "right": (lambda ns: [METHODS, pattern(ns, "(/[^/]+)?$")], ""),
    "open": (lambda ns: [], "log?container=main still passes"),
    "endless": (lambda ns: [METHODS, pattern(ns, "")], "log?container=main still"),
    "writable": (lambda ns: [pattern(ns, "(/[^/]+)?$")], "POST still passes"),
    "shut": (lambda ns: [METHODS, pattern(ns, "$")], "the application needs it"),
    "elsewhere": (
        lambda ns: [METHODS, "--accept-paths=^/api/v1/namespaces/[^/]+/pods(/[^/]+)?$"],
        "name the namespace",
    ),
}


@pytest.mark.parametrize("name", DOORS)
def test_a_door_is_as_wide_as_it_should_be(namespace, name):
    """The diagnosis names the first request that passes and should not."""
    options, said = DOORS[name]
    command = ("kubectl", "proxy", "--port=8001", *options(namespace))
    apply(pod(name, container("ambassador", *command)))
    wait_for("condition=Ready", f"pod/{name}")
    diagnosis = lets_only_read_pods(name, namespace)
    assert said in diagnosis if said else diagnosis == ""


def test_an_ambassador_that_is_not_there_is_said(namespace, monkeypatch):
    """A proxy on another port is none for the application."""
    monkeypatch.setattr(ambassador, "FORGOTTEN", 0.5)
    apply(pod("absent", container("ambassador", "kubectl", "proxy", "--port=9")))
    wait_for("condition=Ready", "pod/absent")
    assert "kubectl logs absent" in lets_only_read_pods("absent", namespace)


SERVER = "--server=https://kubernetes.default.svc --certificate-authority=ca.crt"
SCRIPTS = {
    "path": ("exec kubectl proxy --port=8001", ""),
    "argument": (f'kubectl proxy {SERVER} --token="$(cat token)"', "--token"),
    "copied": (
        f"kubectl config set-credentials app --token=$(cat token) >/dev/null;"
        f" exec kubectl proxy {SERVER} --user=app",
        "does not read the file again",
    ),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_an_ambassador_outlives_its_token_or_not(namespace, monkeypatch, name):
    """A path is read again; an argument and a copy in a kubeconfig are not."""
    script, said = SCRIPTS[name]
    if said:
        monkeypatch.setattr(ambassador, "REMEMBERED", 2.0)
    old, new = renewed(name, script)
    diagnosis = lives_on(name, old, new)
    assert said in diagnosis if said else diagnosis == ""


def test_a_token_that_does_not_end_proves_nothing(namespace, monkeypatch):
    """The check does not pass just because nothing happened."""
    monkeypatch.setattr(ambassador, "FORGOTTEN", 3.0)
    old, new = renewed("early", "exec kubectl proxy", end=False)
    assert "still good" in lives_on("early", old, new)


def renewed(name, script, *, end=True):
    """Run a pod, give it one token and then another; return both."""
    mount = {"name": "identity", "mountPath": FILES}
    authority = {"name": "ca", "mountPath": f"{FILES}/ca.crt", "subPath": "ca.crt"}
    first = {"name": "first", "mountPath": "/first"}
    copy = ("cp", "/first/token", f"{FILES}/token")
    containers = (
        container("copy", *copy, volumeMounts=[first, mount]),
        container(
            *("ambassador", "sh", "-c", f"cd {FILES}; {script}"),
            volumeMounts=[mount, authority],
        ),
    )
    volumes = [
        {"name": "identity", "emptyDir": {"medium": "Memory"}},
        {"name": "ca", "configMap": {"name": "kube-root-ca.crt"}},
        {"name": "first", "secret": {"secretName": name}},
    ]
    kubectl("create", "secret", "generic", name)
    old = create_token("app", bound_to=f"secret/{name}")
    patch = json.dumps({"stringData": {"token": old.text}})
    kubectl("patch", "secret", name, "--patch-file=/dev/stdin", input=patch)
    apply(pod(name, *containers, automountServiceAccountToken=False, volumes=volumes))
    wait_for("condition=Ready", f"pod/{name}")
    # Only a process that has started has had the chance to keep its token.
    wait_for_kubectl(name)
    new = create_token("app", bound_to=f"pod/{name}")
    write_token(name, new, path=f"{FILES}/token", container="ambassador")
    if end:
        kubectl("delete", "secret", name)
    return old, new


def wait_for_kubectl(name):
    wait_for_output("kubectl proxy", name, "ps", "-eo", "args", container="ambassador")


def test_a_diagnosis_holds_no_token(namespace):
    """Neither of them, nor a part that could be used."""
    old, new = renewed("secret", SCRIPTS["argument"][0])
    diagnosis = lives_on("secret", old, new)
    assert diagnosis
    assert old.text not in diagnosis and new.text not in diagnosis
