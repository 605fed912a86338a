"""A context's cluster is identified."""

from pathlib import Path

import pytest

from cluster.existing.target import take
from cluster.tests.existing.conftest import use

DOCUMENT = {
    "current-context": "production",
    "contexts": [
        {"name": "production", "context": {"cluster": "p", "user": "root"}},
        {
            "name": "mine",
            "context": {"cluster": "m", "user": "me", "namespace": "shop"},
        },
    ],
    "clusters": [
        {"name": "p", "cluster": {"server": "https://production.example"}},
        {
            "name": "m",
            "cluster": {
                "server": "https://mine.example",
                "certificate-authority": "keys/ca.crt",
                "tls-server-name": "mine",
            },
        },
    ],
    "users": [
        {"name": "root", "user": {"token": "secret of production"}},
        {
            "name": "me",
            "user": {
                "client-certificate": "/abs/me.crt",
                "client-key": "keys/me.key",
                "tokenFile": "../token",
                "exec": {"command": "./plugin", "args": ["a"]},
            },
        },
    ],
}


def test_one_context_is_taken_out_whole_and_for_itself():
    """Names of files count from where the original is, and that stays as it was."""
    before = str(DOCUMENT)
    found = take(DOCUMENT, "mine", Path("/home/me/.kube"))
    assert str(DOCUMENT) == before and "production" not in str(found)
    assert found["current-context"] == "mine"
    assert found["contexts"][0]["context"] == {"cluster": "m", "user": "me"}
    assert found["clusters"][0]["cluster"] == {
        "server": "https://mine.example",
        "certificate-authority": "/home/me/.kube/keys/ca.crt",
        "tls-server-name": "mine",
    }
    assert found["users"][0]["user"] == {
        "client-certificate": "/abs/me.crt",
        "client-key": "/home/me/.kube/keys/me.key",
        "tokenFile": "/home/me/.kube/../token",
        "exec": {"command": "/home/me/.kube/plugin", "args": ["a"]},
    }


def test_a_plugin_without_a_path_stays_without():
    """kubectl looks for it in PATH."""
    user = {"name": "me", "user": {"exec": {"command": "aws"}}}
    found = take({**DOCUMENT, "users": [user]}, "mine", Path("/x"))
    assert found["users"][0]["user"]["exec"]["command"] == "aws"


# --- From the genuine kubectl ---------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read"),
        ("", "is empty"),
        ("a: [", "is not YAML"),
        ("kind: Config", "has no context 'mine'"),
    ],
)
def test_a_kubeconfig_that_is_of_no_use_is_one_line(state, tmp_path, text, said):
    file = tmp_path / "broken.yaml"
    if text is not None:
        file.write_text(text)
    done = use(state, file)
    assert done.returncode == 1 and said in done.stderr and "8080" not in done.stderr
    assert len(done.stderr.splitlines()) == 2
