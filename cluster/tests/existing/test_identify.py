"""A context's cluster is identified; an answer of no use is explained."""

from pathlib import Path

import pytest
import yaml

from cluster import errors
from cluster.existing.identify import failure, take
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


NO_PLUGIN = """\
Unable to connect to the server: getting credentials: exec: executable aws not found

It looks like you are trying to use a client-go credential plugin that is not installed.
"""


@pytest.mark.parametrize(
    ("stderr", "kind", "said"),
    [
        (NO_PLUGIN, errors.LabError, "executable aws not found"),
        (
            "Unable to connect to the server: dial tcp: lookup nowhere: no such host",
            errors.Unreachable,
            "does not answer: dial tcp: lookup nowhere: no such host.",
        ),
        (
            "Unable to connect to the server: tls: failed to verify certificate: x509: "
            "certificate signed by unknown authority",
            errors.LabError,
            "https://x:1 answers, and no TLS connection came about: tls: failed",
        ),
        (
            "Unable to connect to the server: http: server gave HTTP response to HTTPS "
            "client",
            errors.LabError,
            "https://x:1 answers, and no TLS connection came about: http: server",
        ),
        (
            "The connection to the server x:1 was refused - did you specify the right "
            "host or port?",
            errors.Unreachable,
            "https://x:1 does not answer: The connection to the server x:1 was refused",
        ),
        ("", errors.Unreachable, "kubectl says nothing"),
        (
            'Error from server (Forbidden): namespaces is forbidden: User "a" cannot',
            errors.LabError,
            'User "a" cannot',
        ),
    ],
)
def test_what_failed_is_told_apart(stderr, kind, said):
    error = failure(stderr, "https://x:1")
    assert type(error) is kind and said in str(error)
    assert "connect()" not in str(error) and len(str(error).splitlines()) == 2


# --- Of the genuine kubectl -----------------------------------------------------------


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


def test_an_expired_token_is_said_to_be_one(mine, state, tmp_path):
    file = mine.kubeconfig(tmp_path / "mine.yaml", "mine")
    document = yaml.safe_load(file.read_text())
    document["users"][0]["user"] = {"token": "expired"}
    file.write_text(yaml.safe_dump(document))
    done = use(state, file)
    said = " ".join(done.stderr.split())
    assert done.returncode == 1
    assert f"{mine.url} answered, and did not take the credential" in said
    assert "name the cluster again: `python -m helpers use`" in said
    assert not list(Path(state["LAB_STATE_DIR"]).glob("kubeconfig*"))
