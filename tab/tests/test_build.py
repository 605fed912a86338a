"""The API server for a browser: when it is not built, and a start of it under Node."""

import json
import re
import shutil

import pytest

from cluster import versions
from cluster.programs import golang
from cluster.tests.waiting import until
from tab import build
from tab.tests.servers import PATIENCE, tab
from tests.notebooks import ROOT

CONFIGMAP = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "colors"},
    "data": {"sky": "blue"},
}


@pytest.mark.parametrize("reason", ["TAB=no", "no Go here"])
def test_without_it_there_is_one_line(monkeypatch, capsys, reason):
    monkeypatch.setattr(golang, "find", lambda: None)
    if reason == "TAB=no":
        monkeypatch.setattr(golang, "find", object)
        monkeypatch.setenv("TAB", "no")
    assert build.wanted() is None
    said = capsys.readouterr().err
    assert said == f"Without an API server for the browser: {reason}.\n"


def locked(folder) -> dict[str, str]:
    """Return the version of each module that a lock names."""
    text = (ROOT / folder / "go.mod").read_text()
    return dict(re.findall(r"^\t?(?:require )?(\S+) (v\S+)", text, re.MULTILINE))


def test_the_lock_is_of_the_versions_that_the_cluster_has():
    theirs = locked("cluster/programs/locks/kubernetes")
    shared = locked("tab/go").items() - {("k8s.io/kubectl", "v0.0.0")}
    differ = {name for name, version in shared if theirs.get(name, version) != version}
    assert len(shared) > 100 and differ == set()


def assert_right(directory) -> None:
    """Start it under Node, and send it requests of several callers."""
    with tab(directory) as server:
        version = server(method="GET", path="/version", trust="cluster")
        assert json.loads(version["body"])["gitVersion"] == versions.KUBERNETES
        nobody = server(method="GET", path="/apis", trust="cluster")
        assert nobody["status"] == 403 and "system:anonymous" in nobody["body"]
        token = [["Authorization", "Bearer nonsense"]]
        wrong = server(method="GET", path="/apis", trust="cluster", headers=token)
        assert wrong["status"] == 401
        assert "certificate" in server(method="GET", path="/version")["error"]
        who = server(lines="kubectl auth whoami -o jsonpath={.status.userInfo.groups}")
        assert who["code"] == 0 and "kubeadm:cluster-admins" in who["text"], who
        missing = server(lines="kubectl get pods nonsense")
        assert missing["code"] == 1 and "NotFound" in missing["text"]
        made = server(lines="kubectl create -f -", input=json.dumps(CONFIGMAP))
        assert made["text"] == "configmap/colors created\n"
        assert_permission_is_granted(server)


def assert_permission_is_granted(server) -> None:
    server(lines="TOKEN=$(kubectl create token default)")
    ask = 'curl -s --cacert ca.crt -H "Authorization: Bearer $TOKEN" '
    ask += "https://kubernetes/api/v1/namespaces/default/configmaps"
    assert server(lines=ask)["status"] == 403
    grant = "kubectl create rolebinding see --clusterrole view"
    server(lines=f"{grant} --serviceaccount default:default")
    # The authorizer watches the bindings.
    until(lambda: server(lines=ask)["status"] == 200, PATIENCE)


@pytest.fixture
def node():
    if not shutil.which("node"):
        pytest.skip("Node is not here")


@pytest.mark.covered("test_it_is_built_and_starts")
def test_it_starts(node):
    if not (directory := build.find()):
        pytest.skip("the API server for the browser is not built: python -m tab.build")
    assert_right(directory)


@pytest.mark.full("a build of Kubernetes for the browser")
@pytest.mark.timeout(5400)
def test_it_is_built_and_starts(node, monkeypatch):
    if golang.find() is None:
        pytest.skip("no Go here")
    monkeypatch.delenv("TAB", raising=False)
    assert_right(build.wanted())
