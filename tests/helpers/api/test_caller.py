"""A caller asks the API server as its user, and shows no secret."""

import base64
import json
import socket
import threading
from dataclasses import replace

import pytest
import yaml

from cluster.kubeconfig import current_entries, pem_of, read_kubeconfig
from cluster.tests.authority import Authority
from helpers import errors, kubectl
from helpers.api.caller import Caller

API = "client.authentication.k8s.io/v1"
#: an authority that has signed nothing of ours
OTHER = base64.b64encode(Authority("other").pem.encode()).decode()


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


def test_the_environment_gives_nobody_a_credential(cluster, ca, monkeypatch, tmp_path):
    """A .netrc and a proxy of this machine are not heeded."""
    (tmp_path / ".netrc").write_text("default login somebody password something\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert Caller(cluster.server, ca=ca).get("/version").status == 200


def test_what_is_no_path_is_said_in_one_line():
    """The client of HTTP would take it for a part of the port."""
    with pytest.raises(errors.LabError, match="^'apis' is no path.\nA path begins"):
        Caller("https://127.0.0.1:6443", ca=None).get("apis")


def plugin(directory, *tokens):
    """Write a credential plugin that gives these tokens in turn, the last for ever.

    Return the user of a kubeconfig for it; its runs are lines of the file `runs`.
    """
    script = directory / "plugin"
    words = " ".join(tokens)
    script.write_text(
        f"#!/bin/sh\necho run >> {directory}/runs\nset -- {words}\n"
        f"n=$(wc -l < {directory}/runs); [ $n -gt $# ] && n=$#\n"
        "shift $((n - 1))\n"
        f"""printf '{{"apiVersion": "{API}", "kind": "ExecCredential", """
        """"status": {"token": "%s"}}' "$1"\n"""
    )
    script.chmod(0o755)
    # A relative name counts from the kubeconfig.
    return {
        "exec": {"apiVersion": API, "command": "./plugin", "interactiveMode": "Never"}
    }


def test_a_credential_plugin_is_run(cluster, token, tmp_path):
    """As kubectl does it: once, and again when the server calls its token invalid."""
    path = changed(cluster, tmp_path / "config", **plugin(tmp_path, "stale", token))
    caller = Caller.from_kubeconfig(path)
    for _ in range(2):
        assert "kube-public:default" in caller.get("/").json()["message"]
    assert (tmp_path / "runs").read_text() == "run\n" * 2
    assert kubectl("auth", "whoami", f"--kubeconfig={path}").exit_code == 0


@pytest.mark.parametrize(
    ("user", "message"),
    [
        ({"exec": {"apiVersion": API, "command": "false"}}, "process returned 1"),
        ({"exec": {"apiVersion": API, "command": "no-such"}}, "No such file"),
        ({"exec": {"command": "true"}}, "missing key 'apiVersion'"),
        ({"client-certificate": "gone", "client-key": "gone"}, "names the file gone"),
        ({"client-certificate-data": "A", "client-key-data": "A"}, "no base64"),
        ({"username": "me"}, "no certificate with its key, no token"),
    ],
    ids=["fails", "missing", "no version", "no file", "no base64", "nothing"],
)
def test_a_credential_that_is_none_is_told_in_two_lines(
    cluster, tmp_path, user, message
):
    """The error says what is wrong and what to do, in two lines at most."""
    path = changed(cluster, tmp_path / "config", **user)
    with pytest.raises(errors.KubeconfigError) as refused:
        Caller.from_kubeconfig(path)
    assert message in str(refused.value) and refused.value.path == path
    assert str(refused.value).count("\n") <= 1


def test_a_token_is_read_again_from_its_file(cluster, token, tmp_path):
    """A renewed token stands in the file, which comes before a token beside it."""
    (tmp_path / "token").write_text("ended")
    user = {"tokenFile": "token", "token": "also-ended"}
    caller = Caller.from_kubeconfig(changed(cluster, tmp_path / "config", **user))
    assert caller.get("/").status == 401
    (tmp_path / "token").write_text(f"{token}\n")
    assert "kube-public:default" in caller.get("/").json()["message"]


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({"tls-server-name": "kubernetes"}, 0),
        ({"tls-server-name": "example.com"}, 62),
        ({"certificate-authority-data": OTHER}, 20),
        ({"certificate-authority-data": OTHER, "insecure-skip-tls-verify": True}, 0),
    ],
    ids=["its name", "another name", "another authority", "insecure"],
)
def test_the_server_is_verified_as_the_kubeconfig_says(cluster, tmp_path, entry, code):
    """By the name and the authority that it gives, or not at all."""
    document = read_kubeconfig(cluster.kubeconfig)
    document["clusters"][0]["cluster"] |= entry
    (tmp_path / "config").write_text(yaml.safe_dump(document))
    caller = Caller.from_kubeconfig(tmp_path / "config")
    if not code:
        assert caller.get("/version").status == 200
        return
    with pytest.raises(errors.NotTrusted) as refused:
        caller.get("/version")
    assert refused.value.code == code


def test_a_proxy_of_the_kubeconfig_is_asked(cluster, tmp_path):
    """The kubeconfig's proxy is the learner's, not one of this machine's settings."""
    document = read_kubeconfig(cluster.kubeconfig)
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        url = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        document["clusters"][0]["cluster"]["proxy-url"] = url
        (tmp_path / "config").write_text(yaml.safe_dump(document))

        def refuse():
            connection, _ = proxy.accept()
            with connection:
                asked.append(connection.recv(4096))
                connection.sendall(b"HTTP/1.1 407 Proxy\r\n\r\n")

        asked = []
        thread = threading.Thread(target=refuse)
        thread.start()
        with pytest.raises(errors.Unreachable, match="407 Proxy"):
            Caller.from_kubeconfig(tmp_path / "config").get("/version")
        thread.join(10)
    assert asked[0].startswith(b"CONNECT 127.0.0.1:")


def test_its_repr_holds_no_secret(cluster, ca, token):
    """A notebook shows what stands last in a cell."""
    shown = repr(Caller(cluster.server, ca=ca, token=token))
    assert shown == (
        f"Caller of {cluster.server} with a token of {len(token)} characters"
    )
    key = current_entries(cluster.kubeconfig)[1]["client-key-data"]
    shown = repr(Caller.from_kubeconfig(cluster.kubeconfig))
    assert shown == f"Caller of {cluster.server} with a client certificate"
    assert base64.b64decode(key).decode().splitlines()[1] not in shown


def test_nobody_there_is_said_in_one_line(ca):
    """The port is bound and nobody listens, so the answer is sure."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{bound.getsockname()[1]}"
        with pytest.raises(errors.Unreachable) as refused:
            Caller(url, ca=ca).get("/")
    assert (refused.value.server, refused.value.reason) == (url, "Connection refused")


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


def test_a_kubeconfig_without_authority_has_no_file(cluster, tmp_path):
    """The machine's own list of authorities is trusted then."""
    document = read_kubeconfig(cluster.kubeconfig)
    del document["clusters"][0]["cluster"]["certificate-authority-data"]
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(document))
    with pytest.raises(errors.KubeconfigError, match="names no certificate authority"):
        replace(cluster, kubeconfig=path).authority_file()
    assert [*tmp_path.iterdir()] == [path]
