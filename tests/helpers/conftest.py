"""A kubectl of a test's own, and an API server that a test may restart."""

import json
from types import SimpleNamespace

import pytest

from cluster.tests.rbacserver import DEFAULT, RbacServer

#: For a kubectl that does not read it.
KUBECONFIG = {
    "current-context": "lab",
    "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "me"}}],
    "clusters": [{"name": "lab", "cluster": {"server": "https://127.0.0.1:9"}}],
    "users": [{"name": "me", "user": {}}],
}


@pytest.fixture
def scripted(tmp_path, monkeypatch):
    """Return a function that makes a shell script the only kubectl there is."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(json.dumps(KUBECONFIG))

    def install(script):
        program = tmp_path / "bin" / "kubectl"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o700)
        monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
        monkeypatch.setattr("helpers.command._kubeconfig", kubeconfig)
        return program

    return install


@pytest.fixture
def phase(monkeypatch):
    """Return a function that sets the phase in the status of the notebook's cluster."""

    def become(phase):
        backend = SimpleNamespace(
            full_status=lambda: {"phase": phase}, slowness=lambda: 1.0
        )
        monkeypatch.setattr("helpers.command._backend", backend)

    return become


@pytest.fixture(scope="module")
def own_server(tmp_path_factory):
    """Yield an API server with rules; it has no node and runs no pod."""
    with RbacServer(tmp_path_factory.mktemp("server")) as running:
        running.post(f"{DEFAULT}/serviceaccounts", {"metadata": {"name": "default"}})
        yield running
