"""A proxy is asked, so every way to narrow it that does the work is right."""

import pytest

from helpers import errors
from helpers.ambassadors import ambassador_pod
from helpers.checks import narrow_proxies
from helpers.command import kubectl
from tests.running import run

EXEC = ["^/api/.*/pods/.*/exec", "^/api/.*/pods/.*/attach"]
METHODS = "--reject-methods='^(POST|PUT|PATCH|DELETE)$'"
PODS = "/api/v1/namespaces/NAMESPACE/pods"


@pytest.mark.parametrize(
    ("guards", "says"),
    [
        (["/secrets"], "exec passes"),
        (["/secrets", EXEC[0]], "attach passes"),
        (EXEC, "/api/v1/secrets passes"),
        (["^/api/v1"], "a pattern is too wide"),
        ([], "/api/v1/secrets passes"),
    ],
)
def test_what_passes_is_told(namespace, guards, says):
    with pytest.raises(errors.NotSolved, match=says):
        narrow_proxies.hide_secrets(guards)


COMMANDS = {
    "open": "--accept-paths='.*'",
    "writable": f"--accept-paths='^{PODS}(/[^/]+)?$'",
    "shut": f"{METHODS} --accept-paths='^{PODS}$'",
    "wide": f"{METHODS} --accept-paths='^/api/v1/namespaces/[^/]+/pods(/[^/]+)?$'",
    "absent": "--port=9",
}
SAID = {
    "open": "log.container=main still passes",
    "writable": "POST still passes",
    "shut": "the application needs it",
    "wide": "name the namespace",
    "absent": "kubectl logs absent",
}


@pytest.fixture(scope="module")
def ambassadors(namespace):
    """Run an ambassador with each command, all at the same time."""
    kubectl("create serviceaccount app")
    kubectl("create role app --verb=get,list --resource=pods")
    kubectl(f"create rolebinding app --role=app --serviceaccount={namespace}:app")
    scripts = {
        name: f"kubectl proxy {options}".replace("NAMESPACE", namespace)
        for name, options in COMMANDS.items()
    }
    run(*(ambassador_pod(*one, played=False) for one in scripts.items()))


@pytest.mark.parametrize("name", SAID)
def test_the_first_request_that_should_not_pass_is_told(ambassadors, monkeypatch, name):
    if name == "absent":
        monkeypatch.setattr(narrow_proxies, "STARTED", 0.5)
    with pytest.raises(errors.NotSolved, match=SAID[name]):
        narrow_proxies.narrow_ambassador(name)
