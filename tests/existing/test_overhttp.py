"""Writes by Python: who is there is asked, over the same connection, before each.

Both clusters are genuine API servers, and their audit logs say what they were asked.
"""

import subprocess

import pytest

from cluster import apiserver
from cluster.processes import end_process
from cluster.waiting import until
from helpers.proxy import port_of
from tests.existing.acting import make_namespace, python

full = pytest.mark.full("infrastructure that lessons do not touch")
#: below `connect()`: what a write came to, in one word and a reason
HEAD = """
from pathlib import Path
import requests
from cluster import errors
from kubernetes import client, config

BODY = {"metadata": {"name": "a"}}

def tell(name, write):
    try:
        answer = write()
    except errors.LabError as error:
        print(name, type(error).__name__, error.fact)
    except client.ApiException as error:
        print(name, error.status, " ".join(str(error.reason).split()))
    else:
        code = getattr(answer, "status_code", None) or getattr(answer, "status", None)
        print(name, code if isinstance(code, int) else "done")
"""


def told(env, program):
    """Run it and return what each write came to, by its name."""
    done = python(env, HEAD + program)
    assert done.returncode == 0, done.stderr
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())


@pytest.fixture
def proxied(production, tmp_path):
    """Return the address of a genuine `kubectl proxy` to production that may write."""
    file = production.kubeconfig(tmp_path / "production.yaml")
    line = [
        apiserver.programs() / "kubectl",
        "proxy",
        "--port=0",
        f"--kubeconfig={file}",
    ]
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(line, stdout=log, stdin=subprocess.DEVNULL)
    try:
        read = (tmp_path / "log").read_text
        assert until(lambda: port_of(read()) is not None, 20)
        yield f"http://127.0.0.1:{port_of(read())}"
    finally:
        end_process(process, 5)


def test_a_write_to_any_other_cluster_is_refused(used, production, proxied, tmp_path):
    """By each of three libraries, by its address, another name of it, and a proxy."""
    file = production.kubeconfig(tmp_path / "other.yaml")
    production.forget()
    known = production.api_client().configuration
    said = told(
        used,
        f"""
path = "/api/v1/namespaces/default/configmaps"
api = config.new_client_from_config(config_file="{file}")
core = client.CoreV1Api(api)
tell("library", lambda: core.create_namespaced_config_map("default", BODY))
caller = Caller.from_kubeconfig(Path("{file}"))
tell("caller", lambda: caller.request("POST", path, body=BODY))
pair = ("{known.cert_file}", "{known.key_file}")
url = "{production.url}".replace("127.0.0.1", "localhost")
tell("requests", lambda: requests.post(
    "{production.url}" + path, json=BODY, cert=pair, verify="{known.ssl_ca_cert}"))
tell("proxy", lambda: requests.post("{proxied}" + path, json=BODY))
tell("node", lambda: requests.delete("{proxied}/api/v1/nodes/a"))
tell("apps", lambda: requests.put("{proxied}/apis/apps/v1/namespaces/b/x/c", json=BODY))
""",
    )
    node = said.pop("node")
    assert node.startswith("WriteRefused") and "no namespace" in node
    assert set(said) == {"library", "caller", "requests", "proxy", "apps"}
    for what in said.values():
        assert what.startswith("OtherCluster Another cluster is at http"), said
    # And it was asked who it is, and nothing else.
    asked = {path for verb, path in production.requests() if "openapi" not in path}
    assert "/api/v1/namespaces/kube-system" in asked
    assert production.writes() == []


def test_a_write_of_ours_passes_on_every_way(used, mine):
    """Also through a proxy of the notebook, whose address is another one."""
    make_namespace(used, "ways")
    said = told(
        used,
        """
from helpers import KubectlProxy
path = "/api/v1/namespaces/ways/configmaps"
core = client.CoreV1Api(cluster.api_client())
tell("library", lambda: core.create_namespaced_config_map("ways", BODY))
caller = Caller.from_kubeconfig(cluster.kubeconfig)
tell("caller", lambda: caller.request("DELETE", path + "/a"))
with KubectlProxy(read_only=False) as proxy:
    tell("proxy", lambda: proxy.request("POST", path, json=BODY))
    url = proxy.url + "/api/v1/namespaces/default/configmaps"
    tell("elsewhere", lambda: requests.post(url, json=BODY))
nobody = Caller.bearer()
tell("nobody", lambda: nobody.request("DELETE", path + "/a"))
with KubectlProxy(read_only=False, reject_paths=["^/api/v1/namespaces/kube-"]) as proxy:
    tell("silent", lambda: proxy.request("DELETE", path + "/a"))
""",
    )
    assert said["elsewhere"].startswith("WriteRefused")
    assert "default was not made by these" in said.pop("elsewhere")
    # One that does not say whose cluster it is, is nobody's.
    assert said.pop("silent").startswith("OtherCluster")
    # Who may not look is let through at the same address, and the server decides.
    assert said == {"library": "done", "caller": "200", "proxy": "201", "nobody": "401"}


@full
def test_a_namespace_is_not_made_by_applying_it(used, mine):
    """Server-side apply makes what is not there, and PUT could, without our labels."""
    make_namespace(used, "applied-to")
    said = told(
        used,
        """
core = client.CoreV1Api(cluster.api_client())
def apply(name):
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    return core.patch_namespace(
        name, body, field_manager="a", force=True,
        _content_type="application/apply-patch+yaml")
tell("apply", lambda: apply("fresh"))
tell("again", lambda: apply("applied-to"))
caller = Caller.from_kubeconfig(cluster.kubeconfig)
path = "/api/v1/namespaces/"
tell("put", lambda: caller.request("PUT", path + "fresh", body=BODY))
tell("post", lambda: caller.request("POST", path, body=BODY))
tell("dots", lambda: caller.request("POST", path + "applied-to/%2e%2e/default/pods"))
tell("delete", lambda: caller.request("DELETE", path + "fresh"))
""",
    )
    for name in ("apply", "put"):
        assert said[name].startswith("WriteRefused"), said
        assert "fresh is not there, and would be made" in said[name]
    assert said["post"].startswith("WriteRefused")
    assert said["dots"].startswith("WriteRefused")
    assert said["again"] == "done" and said["delete"] == "404"
    with mine.client() as core:
        assert "fresh" not in [n.metadata.name for n in core.list_namespace().items]


@full
def test_what_is_opened_as_a_websocket_is_checked(used, mine, production, tmp_path):
    """exec, attach and port-forward of the client library do not use urllib3."""
    make_namespace(used, "sockets")
    file = production.kubeconfig(tmp_path / "other.yaml")
    production.forget()
    said = told(
        used,
        f"""
from kubernetes.stream import portforward, stream
core = client.CoreV1Api(cluster.api_client())
there = client.CoreV1Api(config.new_client_from_config(config_file="{file}"))
run = lambda core, name: stream(
    core.connect_get_namespaced_pod_exec, "a", name, command=["id"], stdout=True)
ports = lambda core, name: portforward(
    core.connect_get_namespaced_pod_portforward, "a", name, ports="80")
tell("ours", lambda: run(core, "sockets"))
tell("other", lambda: run(core, "kube-system"))
tell("there", lambda: run(there, "sockets"))
tell("ports", lambda: ports(core, "kube-system"))
tell("ports-there", lambda: ports(there, "sockets"))
""",
    )
    assert 'pods "a" not found' in said["ours"] or "404" in said["ours"]
    for name in ("other", "ports"):
        assert "namespace kube-system was not made by these" in said[name], said
    for name in ("there", "ports-there"):
        assert "Another cluster is at" in said[name], said
    execs = [path for _, path in mine.requests() if "kube-system/pods/a" in path]
    assert execs == []
    assert {path for _, path in production.requests()} == {
        "/api/v1/namespaces/kube-system",
        "/api/v1/namespaces/sockets",
    }


@full
def test_an_api_server_of_the_notebook_is_its_own(used, mine):
    """A lesson makes what it likes there; once it is away, so is the exception."""
    before = mine.writes()
    said = told(
        used,
        """
from helpers import ApiServer
from cluster.apiserver import is_ours
server = ApiServer().start()
core = client.CoreV1Api(server.api_client())
tell("node", lambda: core.create_node({"metadata": {"name": "a"}}))
tell("namespace", lambda: core.create_namespace({"metadata": {"name": "a"}}))
port = int(server.url.rpartition(":")[2])
print("running", is_ours("127.0.0.1", port))
server.stop()
print("stopped", is_ours("127.0.0.1", port))
""",
    )
    assert said == {
        "node": "done",
        "namespace": "done",
        "running": "True",
        "stopped": "False",
    }
    assert mine.writes() == before


@full
def test_other_requests_are_left_alone(used):
    """Nobody is asked before a POST to a server that is no Kubernetes."""
    said = told(
        used,
        """
import http.server, threading
seen = []
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        seen.append(self.path)
        self.send_response(204)
        self.end_headers()
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/api/contents"
tell("post", lambda: requests.post(url, json={}))
print("seen", seen)
server.shutdown()
server.server_close()
""",
    )
    assert said == {"post": "204", "seen": "['/api/contents']"}
