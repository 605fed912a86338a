"""Which cluster a context leads to, and why one gave no answer of use."""

import http.server
import socket
import threading
from pathlib import Path

import pytest
import yaml

from cluster import errors
from cluster.existing.identify import failure, take
from tests.authority import Authority
from tests.cluster.existing.conftest import use

full = pytest.mark.full("infrastructure that lessons do not touch")
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
    """F18; and nobody asks localhost:8080."""
    file = tmp_path / "broken.yaml"
    if text is not None:
        file.write_text(text)
    done = use(state, file)
    assert done.returncode == 1 and said in done.stderr and "8080" not in done.stderr
    assert len(done.stderr.splitlines()) == 2


def used_with(change, server, state, folder):
    """Return what `use` says of a kubeconfig that was changed."""
    file = server.kubeconfig(folder / "mine.yaml", "mine")
    document = yaml.safe_load(file.read_text())
    change(document["clusters"][0]["cluster"], document["users"][0])
    file.write_text(yaml.safe_dump(document))
    done = use(state, file)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done
    assert not list(Path(state["LAB_STATE_DIR"]).glob("kubeconfig*"))
    return " ".join(done.stderr.split())


def test_an_expired_token_is_said_to_be_one(mine, state, tmp_path):
    def change(_, user):
        user["user"] = {"token": "expired"}

    said = used_with(change, mine, state, tmp_path)
    assert f"{mine.url} answered, and did not take the credential" in said
    assert "name the cluster again: `python -m helpers use`" in said


@full
def test_an_authority_that_did_not_sign_is_said(mine, state, tmp_path):
    other = tmp_path / "other.crt"
    other.write_text(Authority("other").pem)

    def change(cluster, _):
        cluster["certificate-authority"] = str(other)

    said = used_with(change, mine, state, tmp_path)
    assert f"{mine.url} answers, and no TLS connection came about" in said


@full
def test_a_server_that_is_away_is_named(mine, state, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{taken.getsockname()[1]}"

        def change(cluster, _):
            cluster["server"] = url

        said = used_with(change, mine, state, tmp_path)
    assert f"{url} does not answer: " in said and "refused" in said


@full
def test_a_server_without_tls_is_told_from_one_that_is_away(mine, state, tmp_path):
    server = http.server.HTTPServer(
        ("127.0.0.1", 0), http.server.BaseHTTPRequestHandler
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"https://127.0.0.1:{server.server_port}"

        def change(cluster, _):
            cluster["server"] = url

        said = used_with(change, mine, state, tmp_path)
    finally:
        server.shutdown()
        server.server_close()
    assert f"{url} answers, and no TLS connection came about" in said
