"""Why a cluster gave no answer of use: what is said, and what helps."""

import http.server
import socket
import threading
from pathlib import Path

import pytest
import yaml

from cluster import errors
from cluster.existing import failures, look
from tests.authority import Authority
from tests.commandline import helpers

full = pytest.mark.full("infrastructure that lessons do not touch")
EXPIRED = "error: You must be logged in to the server (Unauthorized)"
NO_PLUGIN = """\
Unable to connect to the server: getting credentials: exec: executable aws not found

It looks like you are trying to use a client-go credential plugin that is not installed.

To learn more about this feature, consult the documentation available at:
      https://kubernetes.io/docs/reference/access-authn-authz/authentication/
"""


@pytest.mark.parametrize(
    ("stderr", "kind", "said"),
    [
        (EXPIRED, errors.NotAdmitted, "answered, and did not take the credential"),
        (NO_PLUGIN, errors.NotAdmitted, "executable aws not found"),
        (
            "Unable to connect to the server: tls: failed to verify certificate: x509: "
            "certificate signed by unknown authority",
            errors.NotAdmitted,
            "no TLS connection came about: tls: failed",
        ),
        (
            "Unable to connect to the server: dial tcp: lookup nowhere: no such host",
            errors.Unreachable,
            "does not answer: dial tcp: lookup nowhere: no such host.",
        ),
        ("", errors.Unreachable, "kubectl says nothing"),
        ("error: this write was refused: a b", errors.WriteRefused, "refused: a b."),
        (
            'Error from server (Forbidden): namespaces is forbidden: User "a" cannot',
            errors.LacksRights,
            'User "a" cannot',
        ),
    ],
)
def test_what_failed_is_told_apart(stderr, kind, said):
    error = failures.of(stderr, ["--server=https://x:1", "get"])
    assert type(error) is kind and said in str(error)
    assert "connect()" not in str(error) and len(str(error).splitlines()) == 2
    if kind in (errors.NotAdmitted, errors.Unreachable):
        assert error.server == "https://x:1"


def test_an_address_is_named_only_if_it_is_known(tmp_path):
    """Of a file with several contexts, or another one, kubectl chooses itself."""
    file = tmp_path / "kubeconfig"
    file.write_text('{"clusters": [{"cluster": {"server": "https://mine:1"}}]}')
    assert failures.address(["get"], file) == "https://mine:1"
    assert failures.address(["--server=https://x"], file) == "https://x"
    assert failures.address(["--kubeconfig=other"], file) == ""
    assert failures.address(["get"], tmp_path / "none") == ""


def test_a_list_that_lacks_one_api_is_a_list(tmp_path):
    """So an older kubectl ends where one API is served by a server that is away."""
    script = tmp_path / "kubectl"
    script.write_text(
        "#!/bin/sh\necho 'pods  po  v1  true  Pod  create  all'\n"
        'echo "error: $SAID" >&2\nexit 1\n'
    )
    script.chmod(0o700)
    with pytest.MonkeyPatch.context() as patch:
        reason = "metrics.k8s.io/v1beta1: the server is currently unable"
        said = f"unable to retrieve the complete list of server APIs: {reason}"
        patch.setenv("SAID", said)
        assert "pods" in look.namespaced(str(script))
        patch.setenv(
            "SAID", "the server has asked for the client to provide credentials"
        )
        with pytest.raises(errors.NotAdmitted):
            look.namespaced(str(script))


def test_a_kubectl_that_is_gone_or_no_program_is_said(tmp_path):
    (tmp_path / "kubectl").write_text("")
    for path in ("/gone/kubectl", str(tmp_path / "kubectl")):
        with pytest.raises(errors.MissingTool) as caught:
            look.see(path)
        assert path in str(caught.value) and "helpers up" in str(caught.value)


# --- Of the genuine kubectl -----------------------------------------------------------


def used_with(change, server, state, folder):
    """Return what `use` says of a kubeconfig that was changed."""
    file = server.kubeconfig(folder / "mine.yaml", "mine")
    document = yaml.safe_load(file.read_text())
    change(document["clusters"][0]["cluster"], document["users"][0])
    file.write_text(yaml.safe_dump(document))
    words = ("--kubeconfig", file, "--context", "mine", "--yes")
    done = helpers("use", *words, env=state)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done
    assert "connect()" not in done.stderr
    return " ".join(done.stderr.split())


def test_an_expired_token_is_said_to_be_one(mine, state, tmp_path):
    def change(_, user):
        user["user"] = {"token": "expired"}

    said = used_with(change, mine, state, tmp_path)
    assert f"{mine.url} answered, and did not take the credential" in said
    assert "Unauthorized" in said or "provide credentials" in said
    assert "`python -m helpers use` copies what is new" in said


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
    assert not list(Path(state["LAB_STATE_DIR"]).glob("kubeconfig*"))
