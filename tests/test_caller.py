"""Whoever asks the API server is who they say, and shows no secret to us."""

import base64
import socket
import tempfile

import pytest
import yaml

from cluster import errors
from cluster.kubeconfig import read_kubeconfig
from helpers import kubectl
from helpers.caller import Caller
from helpers.certificates import current_entries, pem_of
from helpers.tokens import create_token
from tests.authority import Authority


@pytest.fixture(scope="module")
def ca(cluster):
    """Return the authority of the cluster, as PEM text."""
    entry, _ = current_entries(cluster.kubeconfig)
    return pem_of(entry, "certificate-authority", cluster.kubeconfig)


@pytest.fixture(scope="module")
def token(cluster):
    """Return a token of an account that may do nothing."""
    return kubectl("create", "token", "default", "-n", "kube-public").stdout.strip()


def changed(cluster, path, **user):
    """Write the kubeconfig of the cluster with another user; return its path."""
    document = read_kubeconfig(cluster.kubeconfig)
    document["users"][0]["user"] = user
    path.write_text(yaml.safe_dump(document))
    return path


def test_nobody_is_anonymous(cluster, ca):
    """The server says as whom it takes somebody who shows nothing."""
    reply = Caller(cluster.server, ca=ca).get("/")
    assert reply.status == 403
    assert "system:anonymous" in reply.json()["message"]


def test_the_environment_gives_nobody_a_credential(cluster, ca, monkeypatch, tmp_path):
    """A .netrc and a proxy of this machine are not heeded."""
    (tmp_path / ".netrc").write_text("default login somebody password something\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert Caller(cluster.server, ca=ca).get("/version").status == 200


def test_a_token_is_whose_it_is(cluster, ca, token):
    """401 for nonsense, and the account's own name for a right one."""
    assert Caller(cluster.server, ca=ca, token="nonsense").get("/version").status == 401
    reply = Caller(cluster.server, ca=ca, token=token).get("/")
    assert "system:serviceaccount:kube-public:default" in reply.json()["message"]


def test_the_kubeconfig_is_its_user(cluster, token, tmp_path):
    """By certificate and key, or by token."""
    assert Caller.from_kubeconfig(cluster.kubeconfig).get("/").status == 200
    path = changed(cluster, tmp_path / "config", token=token)
    reply = Caller.from_kubeconfig(path).get("/")
    assert "kube-public:default" in reply.json()["message"]


def test_the_key_does_not_stay_on_the_disk(cluster, monkeypatch, tmp_path):
    """The files that the TLS library wants are gone when it has read them."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert Caller.from_kubeconfig(cluster.kubeconfig).get("/").status == 200
    assert list(tmp_path.iterdir()) == []


def test_a_kubeconfig_with_a_plugin_is_refused(cluster, tmp_path):
    """In one line, with what can use it."""
    path = changed(cluster, tmp_path / "config", exec={"command": "aws"})
    with pytest.raises(errors.KubeconfigError) as refused:
        Caller.from_kubeconfig(path)
    assert refused.value.path == path
    assert "kubectl" in refused.value.way_out


def test_its_repr_holds_no_secret(cluster, ca, token):
    """A notebook shows what stands last in a cell."""
    shown = repr(Caller(cluster.server, ca=ca, token=token))
    assert shown == f"Caller: a token of {len(token)} characters asks {cluster.server}"
    key = current_entries(cluster.kubeconfig)[1]["client-key-data"]
    shown = repr(Caller.from_kubeconfig(cluster.kubeconfig))
    assert shown == f"Caller: a client certificate asks {cluster.server}"
    assert base64.b64decode(key).decode().splitlines()[1] not in shown


def test_a_server_that_is_not_trusted_is_not_asked(cluster, token):
    """The reason has OpenSSL's number; the token stays at home."""
    with pytest.raises(errors.NotTrusted) as refused:
        Caller(cluster.server, ca=Authority("other").pem, token=token).get("/")
    assert (refused.value.server, refused.value.code) == (cluster.server, 20)
    assert token not in str(refused.value)


def test_nobody_there_is_said_in_one_line(ca):
    """The port is bound and nobody listens, so the answer is sure."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{bound.getsockname()[1]}"
        with pytest.raises(errors.Unreachable) as refused:
            Caller(url, ca=ca).get("/")
    assert (refused.value.server, refused.value.reason) == (url, "Connection refused")


def test_a_bearer_is_who_the_token_says(cluster):
    """At the connected cluster, and without the certificate of the kubeconfig."""
    held = create_token("default")
    anonymous, bearer = Caller.bearer(), Caller.bearer(held)
    assert "system:anonymous" in anonymous.get("/").json()["message"]
    assert held.subject in bearer.get("/").json()["message"]
    assert held.text not in repr(bearer)


def test_before_a_connection_nobody_bears_anything(monkeypatch):
    monkeypatch.setattr("helpers.command._kubeconfig", None)
    with pytest.raises(errors.NotConnected):
        Caller.bearer()


def test_every_method_is_sent_with_its_body(cluster, namespace):
    """Create, change by a merge patch, delete; and read back each time."""
    admin = Caller.from_kubeconfig(cluster.kubeconfig)
    maps = f"/api/v1/namespaces/{namespace}/configmaps"
    body = {"metadata": {"name": "m"}, "data": {"k": "1"}}
    assert admin.request("POST", maps, body=body).status == 201
    change = {"data": {"k": "2"}}
    assert admin.request("PATCH", f"{maps}/m", body=change).status == 200
    assert admin.get(f"{maps}/m").json()["data"] == {"k": "2"}
    assert admin.request("DELETE", f"{maps}/m").status == 200
    assert admin.wait_for(404, f"{maps}/m") >= 0


def test_waiting_for_an_answer_ends(cluster):
    """With what was seen last, and not long after the time is over."""
    with pytest.raises(errors.NotReady) as caught:
        Caller.bearer().wait_for(200, "/api", timeout=0.5)
    assert caught.value.last == "403" and 0.5 <= caught.value.waited < 15
