"""Nobody notices whether Kubernetes is one program or five."""

import os
import shutil
import subprocess

import psutil
import pytest

from cluster.programs import check
from cluster.programs.recipe import RECIPE
from cluster.progress import Silent
from cluster.tests.whole.lab import Lab, full

pytestmark = full


@pytest.fixture(scope="module", params=["one program", "a file for each name"])
def laid_out(request, tmp_path_factory):
    """Yield a running cluster of programs as they are built, or as they are published.

    A stand-in for the second: what is published is the same commands.
    """
    ours, _ = Lab(tmp_path_factory.mktemp("ours")).backend.setup(Silent())
    if (ours / "kubelet").is_symlink() == (request.param == "one program"):
        assets = ours
    elif request.param == "one program":
        pytest.skip("the programs of this machine are the published ones")
    else:
        assets = tmp_path_factory.mktemp("assets")
        # A machine that root starts reads it as another account.
        assets.chmod(0o755)
        for name in filter(lambda name: (ours / name).exists(), RECIPE.programs()):
            try:
                os.link((ours / name).resolve(), assets / name)
            except OSError:  # `assets` is on another file system
                shutil.copy(ours / name, assets / name)
    with pytest.MonkeyPatch.context() as here:
        here.setenv("LAB_ASSETS", str(assets))
        lab = Lab(tmp_path_factory.mktemp("lab") / "state")
        try:
            lab.up()
            yield lab, assets
        finally:
            lab.close()


def test_processes_and_commands_have_the_names_of_the_components(laid_out):
    lab, assets = laid_out
    lab.run_pod("first")
    assert lab.can_exec("first")
    names = RECIPE.links().keys() & lab.machine.status()["components"].keys()
    assert names >= {"kube-apiserver", "kubelet"}
    for name in names:
        process: psutil.Process = lab.process(name)
        assert process.name() == name
        assert os.path.basename(process.cmdline()[0]) == name
        assert lab.backend.log(name, 1)
    # A flag of the kubelet's alone; the package of flags is one for a process.
    asked = subprocess.run([assets / "kube-proxy", "--help"], capture_output=True)
    assert b"--proxy-mode" in asked.stdout and b"housekeeping" not in asked.stdout
    said = lab.kubectl("get", "--raw", "/metrics")
    assert f'git_version="{RECIPE.version}"' in said
    for step in RECIPE.steps:
        if not check.system_has(step):
            assert check.step_problem(step, assets) is None


def test_the_server_knows_its_clients_by_the_names_of_the_components(laid_out):
    """Lessons and the audit log show the caller's User-Agent."""
    lab, _ = laid_out
    fields = "-o=jsonpath={.items[*].metadata.managedFields[*].manager}"
    owners = lab.kubectl("get", "nodes,pods", "-A", "--show-managed-fields", fields)
    assert {"kubelet", "kube-controller-manager"} <= {*owners.split()}
