"""What a check of ambassadors says: doors that are too wide, tokens that end."""

import pytest

from helpers.checks import ambassador, lets_only_read_pods, lives_on
from helpers.command import kubectl
from helpers.pods import wait_for_output
from helpers.tokens import create_token, write_token
from tests.running import apply, run

FILES = "/var/run/secrets/kubernetes.io/serviceaccount"
METHODS = "--reject-methods=^(POST|PUT|PATCH|DELETE)$"


@pytest.fixture(scope="module")
def namespace(namespace):
    kubectl("create", "serviceaccount", "app")
    kubectl("create", "role", "app", "--verb=get,list", "--resource=pods")
    account = f"--serviceaccount={namespace}:app"
    kubectl("create", "rolebinding", "app", "--role=app", account)
    return namespace


def container(name, *command, **more):
    return {"name": name, "image": "toolbox:1", "command": list(command), **more}


def pod(name, *containers, **more):
    sidecars = [
        # It ends; started again, it would put the first token back.
        part if part["name"] == "copy" else {**part, "restartPolicy": "Always"}
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
    "writable": (lambda ns: [pattern(ns, "(/[^/]+)?$")], "POST still passes"),
    "shut": (lambda ns: [METHODS, pattern(ns, "$")], "the application needs it"),
    "elsewhere": (
        lambda ns: [METHODS, "--accept-paths=^/api/v1/namespaces/[^/]+/pods(/[^/]+)?$"],
        "name the namespace",
    ),
}


@pytest.fixture(scope="module")
def doors(namespace):
    """Run an ambassador with each door, and one that nobody finds."""
    proxies = {
        name: container(
            *("ambassador", "kubectl", "proxy", "--port=8001", *options(namespace))
        )
        for name, (options, _) in DOORS.items()
    }
    proxies["absent"] = container("ambassador", "kubectl", "proxy", "--port=9")
    run(*(pod(name, proxy) for name, proxy in proxies.items()))


@pytest.mark.parametrize("name", DOORS)
def test_a_door_is_as_wide_as_it_should_be(doors, namespace, name):
    """The diagnosis names the first request that passes and should not."""
    _, said = DOORS[name]
    diagnosis = lets_only_read_pods(name, namespace)
    assert said in diagnosis if said else diagnosis == ""


def test_an_ambassador_that_is_not_there_is_said(doors, namespace, monkeypatch):
    """A proxy on another port is none for the application."""
    monkeypatch.setattr(ambassador, "FORGOTTEN", 0.5)
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


EARLY = "early"


@pytest.fixture(scope="module")
def renewed(namespace):
    """Give each script one token and then another, and end the first, but of `early`.

    All at the same time: the server believes in a token for 10 s after its end. Return
    both tokens by the name of the pod.
    """
    scripts = {name: script for name, (script, _) in SCRIPTS.items()}
    scripts[EARLY] = "exec kubectl proxy"
    apply([secret(name) for name in scripts])
    old = {name: create_token("app", bound_to=f"secret/{name}") for name in scripts}
    apply([secret(name, token=token.text) for name, token in old.items()])
    run(*(with_token_of_secret(name, script) for name, script in scripts.items()))
    new = {name: renew(name) for name in scripts}
    kubectl("delete", "secret", *(name for name in scripts if name != EARLY))
    return {name: (old[name], new[name]) for name in scripts}


def secret(name, **data):
    kind = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}
    return {**kind, "stringData": data}


def with_token_of_secret(name, script):
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
    return pod(name, *containers, automountServiceAccountToken=False, volumes=volumes)


def renew(name):
    """Write a pod another token, once it has had the chance to keep its own."""
    where = {"container": "ambassador"}
    # Not its arguments: those of the shell that will start it hold its name, too.
    wait_for_output("kubectl", name, "ps", "-eo", "comm", **where)
    new = create_token("app", bound_to=f"pod/{name}")
    write_token(name, new, path=f"{FILES}/token", **where)
    return new


@pytest.mark.parametrize("name", SCRIPTS)
def test_an_ambassador_outlives_its_token_or_not(renewed, monkeypatch, name):
    """A path is read again; an argument and a copy in a kubeconfig are not.

    The diagnosis holds neither token.
    """
    _, said = SCRIPTS[name]
    if said:
        monkeypatch.setattr(ambassador, "REMEMBERED", 2.0)
    old, new = renewed[name]
    diagnosis = lives_on(name, old, new)
    assert said in diagnosis if said else diagnosis == ""
    assert old.text not in diagnosis and new.text not in diagnosis


def test_a_token_that_does_not_end_proves_nothing(renewed, monkeypatch):
    """The check does not pass just because nothing happened."""
    monkeypatch.setattr(ambassador, "FORGOTTEN", 3.0)
    assert "still good" in lives_on(EARLY, *renewed[EARLY])
