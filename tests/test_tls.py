"""Keys and certificates of a kubeconfig go into TLS, and nowhere else."""

import json
import os

import pytest

from cluster import errors, tls
from cluster.kubeconfig import read_kubeconfig
from tests.authority import Authority


@pytest.fixture
def document():
    """Return a kubeconfig whose user has a certificate, in files beside it."""
    return {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [
            {
                "name": "c",
                "cluster": {
                    "server": "https://127.0.0.1:1",
                    "certificate-authority": "ca.crt",
                },
            }
        ],
        "users": [
            {"name": "u", "user": {"client-certificate": "pair", "client-key": "pair"}}
        ],
    }


@pytest.fixture
def path(tmp_path, document):
    """Write it, with the files that it names; return its path."""
    authority = Authority("ours")
    (tmp_path / "ca.crt").write_text(authority.pem)
    (tmp_path / "pair").write_text(authority.issue("somebody"))
    (tmp_path / "config").write_text(json.dumps(document))
    return tmp_path / "config"


def test_a_certificate_from_files(path, monkeypatch, tmp_path):
    """Names count from the kubeconfig; no copy of a key is left, and nothing open."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    opened = len(os.listdir("/proc/self/fd"))
    access = tls.access(path)
    assert (access.server, access.token) == ("https://127.0.0.1:1", None)
    assert len(access.context.get_ca_certs()) == 1
    assert len(os.listdir("/proc/self/fd")) == opened
    assert os.listdir(tmp_path / "tmp") == []


def test_a_token_is_enough(path, document):
    """And then no certificate is shown."""
    document["users"][0]["user"] = {"token": "not-a-secret"}
    path.write_text(json.dumps(document))
    assert tls.access(path).token == "not-a-secret"


def test_neither(path, document):
    """kubectl may know what to do; we say so."""
    document["users"][0]["user"] = {"client-certificate": "pair"}
    path.write_text(json.dumps(document))
    with pytest.raises(errors.KubeconfigError) as caught:
        tls.access(path)
    assert "no token" in caught.value.fact


def test_json_and_yaml_are_read_alike(path, document):
    """A kubeconfig of `up` is JSON, and others are YAML."""
    as_json = read_kubeconfig(path)
    path.write_text("# by hand\n" + json.dumps(document))
    assert read_kubeconfig(path) == as_json == document
