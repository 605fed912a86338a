"""An API server for the tests of views, and a kubeconfig that leads to it."""

import os

import pytest

from cluster import programs
from tests.rbacserver import DEFAULT, RbacServer


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Yield an API server that a test may restart; it has no node and runs no pod."""
    with RbacServer(tmp_path_factory.mktemp("server")) as running:
        running.post(f"{DEFAULT}/serviceaccounts", {"metadata": {"name": "default"}})
        yield running


@pytest.fixture
def connected(server, tmp_path, monkeypatch):
    """Let views and kubectl ask that server, as after `connect()`; return it."""
    place = server.kubeconfig(tmp_path / "kubeconfig")
    monkeypatch.setattr("helpers.command._kubeconfig", place)
    path = os.pathsep.join([str(programs.ensure_api_server()), os.defpath])
    monkeypatch.setenv("PATH", path)
    return server
