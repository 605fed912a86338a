"""A whole kind cluster, as far as one can be had without a container engine.

The stand-in gives out the API server of the session's own cluster as the node's. One
cluster serves all of these tests, and is made anew after those that delete it.
"""

import json
import os
import subprocess
import sys

import pytest

from cluster import errors, programs, versions
from cluster.image import cache as image_cache
from cluster.kind import node as node_module
from cluster.kind.backend import LOGS
from cluster.kind.plan import Record
from cluster.local.backend import STATUS
from cluster.machine import audit
from cluster.progress import Silent
from helpers.command import kubectl
from tests.cluster.image.archives import docker as saved_by_docker
from tests.cluster.kind import surroundings as around
from tests.cluster.kind.test_kind import ROOT, UP, Interrupting, full
from tests.commandline import helpers, python

#: a manifest that kind's node would have, and the session's cluster has not
COREDNS = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "coredns", "namespace": "kube-system"},
    "spec": {
        "selector": {"matchLabels": {"app": "coredns"}},
        "template": {
            "metadata": {"labels": {"app": "coredns"}},
            "spec": {
                "containers": [{"name": "coredns", "image": versions.TOOLBOX_IMAGE}]
            },
        },
    },
}


@pytest.fixture(scope="module")
def node(cluster):
    """Return the session's cluster, with what a node of kind would have."""
    kubectl("apply", "-f", "-", input=json.dumps(COREDNS))
    yield cluster
    kubectl("delete", "deployment/coredns", "--namespace=kube-system")


@pytest.fixture(scope="module")
def surroundings(node, kind, tmp_path_factory):
    """Return the stand-in that gives out that cluster's API server, and the cluster."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        docker = around.as_docker(around.stand_in(folder, patch), kind, patch)
        (docker.directory / "admin.conf").write_text(node.kubeconfig.read_text())
        port = node.server.rpartition(":")[2]
        (docker.directory / "faults.json").write_text(json.dumps({"port": port}))
        with (
            around.learners_home(folder / "home", patch),
            around.beside_the_learners(docker, folder / "state") as lab,
        ):
            yield docker, lab


@pytest.fixture
def docker(surroundings):
    return surroundings[0]


@pytest.fixture
def lab(surroundings, docker):
    """Return the cluster, which is not made yet."""
    docker.order()
    surroundings[1].delete()
    docker.forget()
    return surroundings[1]


@pytest.fixture
def whole(surroundings, docker):
    """Return the cluster, ready, whatever the test before did to it."""
    docker.order()
    surroundings[1].up()
    docker.forget()
    return surroundings[1]


def test_a_cluster_comes_up_with_our_image_and_nothing_of_the_learners(
    node, lab, docker
):
    """Afterwards ~/.kube/config and KUBECONFIG are compared."""
    view = Interrupting("never")
    lab.up(view)
    assert lab.running()
    shown = [line for line in view.lines if line.startswith("kind create cluster: ")]
    assert any("Starting control-plane" in line for line in shown)
    assert "waiting for DNS" in view.lines
    assert [image.name for image in lab.images()] == [versions.TOOLBOX_IMAGE]
    archive = image_cache.ensure(programs.find_kubectl(), Silent())
    assert lab.images()[0].digest == node_module.toolbox_id(archive)
    assert lab.kubeconfig.stat().st_mode & 0o777 == 0o600
    document = json.loads(json.dumps(lab.status()))
    assert document.keys() == STATUS.keys()
    assert (document["phase"], document["server"]) == ("ready", node.server)
    assert document["components"]["coredns"]["state"] == "running"


def test_the_second_call_attaches(whole, docker):
    whole.up()
    assert docker.calls("run") == []
    # Our image is there; it is not sent again.
    assert [call for call in docker.calls("exec") if "import" in call] == []


@full
def test_two_at_once_get_one_cluster(node, lab, docker):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", UP, lab.state]
    both = [subprocess.Popen(command, env=environment) for _ in range(2)]
    assert [process.wait(300) for process in both] == [0, 0]
    assert len(docker.calls("run")) == 1


@full
def test_stop_keeps_it_and_up_starts_it_again(whole, docker):
    assert whole.stop() is True
    assert (whole.stop(), whole.running(), whole.status()) == (False, False, None)
    (stopped,) = docker.ours.values()
    assert stopped["state"] == "exited"
    whole.up()
    assert whole.running()
    assert docker.calls("run") == []
    assert len(docker.calls("start")) == 1


@full
def test_delete_removes_it_and_its_state(whole, docker):
    assert whole.delete() is True
    assert docker.ours == {}
    assert not whole.state.exists()


@full
def test_a_damaged_kubeconfig_is_written_again(whole):
    for damage in ("", "no: yaml: at: all", "{}"):
        whole.kubeconfig.write_text(damage)
        whole.up()
        assert whole.status()["phase"] == "ready"


@full
def test_its_port_stays(whole, node):
    port = int(node.server.rpartition(":")[2])
    whole.up(port=port)
    with pytest.raises(errors.StartFailed, match=f"made with port {port}, and keeps"):
        whole.up(port=port + 1)
    assert whole.running()


@full
def test_an_engine_that_goes_away_is_told_and_nothing_is_forgotten(whole, docker):
    docker.order(down="Cannot connect to the Docker daemon")
    for act in (whole.status, whole.up, whole.stop):
        with pytest.raises(errors.EngineFailed, match="Cannot connect to the Docker"):
            act()
    with pytest.raises(errors.KindFailed):
        whole.delete()
    assert not whole.running()
    docker.order()
    assert whole.running()


@full
def test_another_engine_is_not_asked(whole, docker):
    """`docker context use` after the start; the node stays where it was made."""
    made = docker.nodes
    docker.order(endpoint="ssh://remote.example")
    before = len(docker.calls()) - len(docker.calls("context"))
    for act in (whole.up, whole.stop, whole.status, whole.delete, whole.images):
        with pytest.raises(errors.LabError) as caught:
            act()
        assert "to ssh://remote.example now" in caught.value.fact
        assert caught.value.fact.endswith("at unix:///var/run/docker.sock.")
        assert str(caught.value).count("\n") == 1
    assert not whole.running()
    assert len(docker.calls()) - len(docker.calls("context")) == before
    assert docker.nodes == made and Record.read(whole.state).made
    docker.order()
    assert whole.running()


def test_each_component_has_a_log(whole):
    assert whole.log("etcd", 7) == "7 lines of new"
    assert whole.log("etcd", 7, previous=True) == "7 lines of old"
    assert whole.log("kubelet", 7) == "the log of --unit=kubelet"
    assert "Multi-User" in whole.log("node", 7)
    with pytest.raises(errors.NotRunning, match="no such log of coredns"):
        whole.log("coredns", 7)
    with pytest.raises(errors.UnknownComponent) as caught:
        whole.log("machine", 7)
    assert caught.value.known == list(LOGS)


def test_the_audit_log_is_read_in_the_order_of_its_files(whole, docker):
    assert whole.audit_log() == "", "none before it is written"
    place = docker.directory / "audit"
    place.mkdir()
    in_order = ["audit-2026-01.log", "audit-2026-02.log", audit.NAME]
    for name in reversed(in_order):
        (place / name).write_text(f"{name}\n")
    assert whole.audit_log().splitlines() == in_order


@full
def test_images_of_a_learner_are_added_and_refused(whole, docker, tmp_path):
    (tmp_path / "far").mkdir()
    path = saved_by_docker(tmp_path, "app:1")
    assert whole.add_image(path) == ["docker.io/library/app:1"]
    assert "docker.io/library/app:1" in {image.name for image in whole.images()}
    with pytest.raises(errors.ImageError, match="s390x"):
        far = saved_by_docker(tmp_path / "far", "far:1", architecture="s390x")
        whole.add_image(far)
    docker.order(**{"import": "wrong diff id"})
    with pytest.raises(errors.ImageError, match="refused it: .*wrong diff id"):
        whole.add_image(path)


@full
def test_the_command_line_and_connect_use_it(node, lab, docker):
    env = {"LAB_STATE_DIR": lab.state, "LAB_BACKEND": "auto"}
    up = helpers("up", "--backend", "kind", env=env)
    assert up.returncode == 0, up.stderr
    assert str(lab.kubeconfig) in up.stdout
    status = helpers("status", env=env)
    assert status.stdout.splitlines()[0] == "ready"
    code = "from helpers import connect; print(repr(connect()))"
    said = python("-c", code, env=env)
    assert f"at {node.server} (kind cluster, context {lab.context})" in said.stdout
    other = helpers("up", "--backend", "local", env=env)
    assert other.returncode == 1
    assert "keeps a cluster of kind" in other.stderr
    assert helpers("logs", "etcd", "-n", "3", env=env).stdout == "3 lines of new\n"
    assert helpers("stop", env=env).stdout.startswith("stopped")
    assert helpers("status", env=env).returncode == 3
    assert helpers("delete", "--yes", env=env).stdout == "deleted\n"
    assert docker.ours == {}
