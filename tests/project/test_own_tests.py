"""The page on tests of one's own: its lines are run as they are written.

Beside them are tests as readers of the page have them, with the libraries it names.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from cluster.programs import golang
from tests.notebooks import ROOT
from tests.project.test_wheel import run_apart

elsewhere = pytest.mark.machines("suites of others, and packages from an index")

PAGE = (ROOT / "docs/own-tests.md").read_text("utf-8")
_, GO, PYTHON = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
CONTROLLER_RUNTIME = "v0.25.2"
CLIENTS = ("pytest==9.2.0", "pytest-kubernetes==0.9.0", "kr8s==0.20.15", "kopf")
#: seconds: what compiles client-go, from nothing
LIMIT = 900

OWN_GO = """\
package own

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

func TestTheServerKeepsAConfigMap(t *testing.T) {
	server := &envtest.Environment{}
	config, err := server.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	api, err := client.New(config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	colors := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "colors"},
		Data:       map[string]string{"sky": "blue"},
	}
	if err := api.Create(context.Background(), colors); err != nil {
		t.Fatal(err)
	}
	if colors.UID == "" {
		t.Error("no server has given it a UID")
	}
}
"""
OWN_PYTHON = """\
import kr8s
from kopf.testing import KopfRunner
from kr8s.objects import ConfigMap

COLORS = {"metadata": {"name": "colors"}, "data": {"sky": "blue"}}


def test_kubectl_and_a_client_see_the_same(k8s):
    k8s.create()
    ConfigMap(COLORS).create()
    assert k8s.kubectl(["get", "configmap", "colors"])["data"] == {"sky": "blue"}
    assert len(list(kr8s.get("nodes"))) == 1


def test_an_operator_changes_what_is_created():
    words = ["run", "--standalone", "--namespace=default", "operator_own.py"]
    with KopfRunner(words) as runner:
        metadata = {"name": "painted", "labels": {"paint": "yes"}}
        painted = ConfigMap({"metadata": metadata, "data": {"sky": "blue"}})
        painted.create()
        painted.wait("jsonpath='{.data.sky}'=red", timeout=60)
    assert runner.exit_code == 0
"""
OPERATOR = """\
import kopf


@kopf.on.create("configmaps", labels={"paint": "yes"})
def paint(patch, **_):
    patch.setdefault("data", {})["sky"] = "red"
"""


def run_lines(lines, folder, home, **settings):
    """Run lines of the page in a folder; return what they print."""
    done = run_apart(["sh", "-euc", lines], folder, home, LIMIT, **settings)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_page_has_few_lines():
    assert len(PAGE.splitlines()) <= 60


@elsewhere
@pytest.mark.timeout(LIMIT)
def test_envtest_starts_on_these_programs(tmp_path):
    go = golang.find()
    if go is None:
        pytest.skip("no Go here")
    (tmp_path / "own_test.go").write_text(OWN_GO)
    settings = {"PATH": f"{sys.prefix}/bin:{go.path.parent}:/usr/bin:/bin"}
    fetch = f"""go mod init own
go get sigs.k8s.io/controller-runtime@{CONTROLLER_RUNTIME}
go mod tidy"""
    # With the home of this account: Go's caches are not filled anew.
    run_lines(fetch, tmp_path, Path.home(), **settings)
    printed = run_lines(GO, tmp_path, Path.home(), **settings)
    assert re.match(r"ok\s+own\s", printed.splitlines()[-1])


@elsewhere
@pytest.mark.timeout(LIMIT)
def test_pytest_kubernetes_kr8s_and_kopf_use_the_cluster(tmp_path):
    """Each by its own means: an option, KUBECONFIG, KUBECONFIG."""
    (tmp_path / "test_own.py").write_text(OWN_PYTHON)
    (tmp_path / "operator_own.py").write_text(OPERATOR)
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    subprocess.run([venv / "bin/pip", "install", "--quiet", *CLIENTS], check=True)
    (venv / "bin/kapi").symlink_to(shutil.which("kapi", path=f"{sys.prefix}/bin"))
    # Not in tmp_path: the name of a unix socket is short.
    with tempfile.TemporaryDirectory(prefix="lab-") as state:
        settings = {"LAB_STATE_DIR": f"{state}/own", "LAB_BACKEND": "local"}
        settings["PATH"] = f"{venv}/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        try:
            printed = run_lines(PYTHON, tmp_path, tmp_path, **settings)
        finally:
            # A run that failed leaves one, too.
            run_lines("kapi delete --yes", tmp_path, tmp_path, **settings)
    assert "2 passed" in printed
