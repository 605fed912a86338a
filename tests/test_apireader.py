"""One connection that stays open, and says in one line what is wrong."""

import base64
import contextlib
import gc
import http.server
import ipaddress
import json
import socket
import ssl
import threading

import pytest
import yaml
from cryptography import x509

from cluster import errors
from cluster.kubeconfig import read_kubeconfig
from helpers import kubectl
from helpers.apireader import ApiReader
from tests.authority import Authority


def changed(cluster, path, *, user=None, **entry):
    """Write the kubeconfig of the cluster with other entries; return its path."""
    document = read_kubeconfig(cluster.kubeconfig)
    document["clusters"][0]["cluster"] |= entry
    if user is not None:
        document["users"][0]["user"] = user
    path.write_text(yaml.safe_dump(document))
    return path


def test_it_reads_as_the_user_of_the_kubeconfig(cluster):
    """The same answer as kubectl's, and the answer says what it is."""
    with ApiReader(cluster.kubeconfig) as server:
        answer = server.fetch("/api/v1/namespaces/kube-system")
        assert answer.content_type == "application/json"
        uid = json.loads(answer.body)["metadata"]["uid"]
    name = ("namespace", "kube-system", "-o", "jsonpath={.metadata.uid}")
    assert uid == kubectl("get", *name).stdout


def test_the_connection_stays_open(cluster):
    """One connection for all requests, and a new one if the server closed it."""
    with ApiReader(cluster.kubeconfig) as server:
        server.read("/version")
        first = server._socket
        server.read("/version")
        assert server._socket is first
        # What the server does with a connection that nobody used for a while.
        first.shutdown(socket.SHUT_RDWR)
        assert server.read("/version")["major"] == "1"
        assert server._socket is not first
    assert server._socket is None


def test_an_answer_that_nobody_took(cluster):
    """The next request does not get it."""
    with ApiReader(cluster.kubeconfig) as server:
        server.ask("/api/v1/namespaces", accept="application/json")
        assert "gitVersion" in server.read("/version")


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("/api/v1/namespaces/nosuch", 404, "NotFound"),
        ("/api/v1/pods?limit=x", 400, "BadRequest"),
        ("/nosuch", 404, ""),
    ],
)
def test_refusals(cluster, path, status, reason):
    """The server's own code, reason and sentence; then the next request works."""
    with ApiReader(cluster.kubeconfig) as server:
        with pytest.raises(errors.ApiError) as caught:
            server.read(path)
        assert (caught.value.status, caught.value.reason) == (status, reason)
        assert server.read("/version")


def test_a_token(cluster, tmp_path):
    """It is sent, from the kubeconfig or from a file that this names."""
    token = kubectl("create", "token", "default", "-n", "kube-public").stdout.strip()
    (tmp_path / "token").write_text(f"{token}\n")
    for user in ({"token": token}, {"tokenFile": "token"}):
        path = changed(cluster, tmp_path / "kubeconfig", user=user)
        with ApiReader(path) as server, pytest.raises(errors.ApiError) as caught:
            server.read("/api/v1/pods")
        assert caught.value.status == 403
        assert "system:serviceaccount:kube-public:default" in caught.value.message
        assert token not in repr(server)


def test_no_usable_credential(cluster, tmp_path):
    """A credential plugin's output is kubectl's to use."""
    path = changed(cluster, tmp_path / "kubeconfig", user={"exec": {"command": "x"}})
    with pytest.raises(errors.KubeconfigError) as caught:
        ApiReader(path)
    assert "kubectl alone" in caught.value.way_out


def test_a_certificate_that_nobody_knows(cluster, tmp_path):
    """The number is OpenSSL's: 20 is an issuer that is not trusted."""
    data = base64.b64encode(Authority("other").pem.encode()).decode()
    path = changed(
        cluster, tmp_path / "kubeconfig", **{"certificate-authority-data": data}
    )
    with ApiReader(path) as server, pytest.raises(errors.NotTrusted) as caught:
        server.read("/version")
    assert caught.value.code in (19, 20)


def test_nothing_answers(cluster, tmp_path):
    """A port on which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{bound.getsockname()[1]}"
        path = changed(cluster, tmp_path / "kubeconfig", server=url)
        with ApiReader(path) as server, pytest.raises(errors.Unreachable) as caught:
            server.read("/version")
    assert caught.value.reason == "Connection refused"


@contextlib.contextmanager
def other_server(cluster, tmp_path, handler):
    """Yield a kubeconfig of a server in this process that answers as `handler`."""
    authority = Authority("other")
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    (tmp_path / "pair").write_text(authority.issue("server", address))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pair")
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        data = base64.b64encode(authority.pem.encode()).decode()
        entry = {
            "server": f"https://127.0.0.1:{server.server_port}",
            "certificate-authority-data": data,
        }
        user = {"token": "not-a-secret"}
        yield changed(cluster, tmp_path / "kubeconfig", user=user, **entry)
        server.shutdown()


class Busy(http.server.BaseHTTPRequestHandler):
    """Says twice that it is overloaded, then answers."""

    refusals = [429, 503]

    def do_GET(self):
        code = self.refusals.pop(0) if self.refusals else 200
        self.send_response(code)
        if code != 200:
            self.send_header("Retry-After", "0")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


class Silent(Busy):
    """Takes requests, and answers none in time."""

    left = threading.Event()

    def do_GET(self):
        self.left.wait(30)


def test_it_comes_again_when_asked_to(cluster, tmp_path):
    """429 and 503 with Retry-After are no refusals yet."""
    with other_server(cluster, tmp_path, Busy) as path, ApiReader(path) as server:
        assert server.read("/x") == {}
    assert Busy.refusals == []


def test_no_answer_in_time(cluster, tmp_path):
    """It says how long it waited."""
    with other_server(cluster, tmp_path, Silent) as path:
        with ApiReader(path, timeout=0.5) as server:
            with pytest.raises(errors.NotReady) as caught:
                server.read("/x")
        Silent.left.set()
    assert caught.value.waited == 0.5


def test_answers_are_not_kept(cluster):
    """When the caller drops one it is gone, without a search for cycles."""
    with ApiReader(cluster.kubeconfig) as server:
        server.read("/version")
        gc.collect()
        gc.disable()
        try:
            for _ in range(3):
                server.fetch("/openapi/v2")
            held = [o for o in gc.get_objects() if type(o).__name__ == "_Reply"]
        finally:
            gc.enable()
    assert held == []
