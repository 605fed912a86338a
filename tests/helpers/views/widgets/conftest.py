"""A kubeconfig that leads views to an API server which a test may restart."""

import os

import pytest

from cluster import programs


@pytest.fixture
def connected(own_server, tmp_path, monkeypatch):
    """Let views and kubectl ask that server, as after `connect()`; return it."""
    place = own_server.kubeconfig(tmp_path / "kubeconfig")
    monkeypatch.setattr("helpers.command._kubeconfig", place)
    path = os.pathsep.join([str(programs.ensure_api_server()), os.defpath])
    monkeypatch.setenv("PATH", path)
    return own_server
