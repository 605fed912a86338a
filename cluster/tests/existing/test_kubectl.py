"""The reason why a cluster gave kubectl no answer of use is told."""

from pathlib import Path

import pytest
import yaml

from cluster import errors
from cluster.existing.kubectl import failure
from cluster.tests.existing.conftest import use

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
            "does not answer: The connection to the server x:1 was refused.",
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


# --- From the genuine kubectl ---------------------------------------------------------


def test_an_expired_token_is_said_to_be_one(mine, state, tmp_path):
    file = mine.kubeconfig(tmp_path / "mine.yaml", "mine")
    document = yaml.safe_load(file.read_text())
    document["users"][0]["user"] = {"token": "expired"}
    file.write_text(yaml.safe_dump(document))
    done = use(state, file)
    said = " ".join(done.stderr.split())
    assert done.returncode == 1
    assert f"{mine.url} answered, and did not take the credential" in said
    assert "name the cluster again: `.venv/bin/kapi use`" in said
    assert not list(Path(state["LAB_STATE_DIR"]).glob("kubeconfig*"))
