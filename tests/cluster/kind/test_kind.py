"""The kind backend, with the genuine kind; only the container engine is stood in for.

What runs in the node is not there; a whole cluster is for test_whole.py.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from cluster import errors, programs, statedir, versions
from cluster.image import cache as image_cache
from cluster.image.load import saved_names
from cluster.kind import node as node_module, programs as kind_programs
from cluster.kind.backend import Kind
from cluster.kind.plan import Record
from cluster.progress import Silent
from tests.commandline import helpers
from tests.waiting import until

ROOT = Path(__file__).parents[3]
full = pytest.mark.full("other backends")
UP = """
import sys
from pathlib import Path
from cluster.kind.backend import Kind
Kind(Path(sys.argv[1])).up()
"""


class Interrupting(Silent):
    """A view during which somebody presses Ctrl-C at a certain moment."""

    def __init__(self, moment):
        self.moment, self.lines = moment, []

    def update(self, message):
        self.lines.append(message)
        if self.moment in message:
            raise KeyboardInterrupt


# --- starts that do not succeed ---


def test_a_node_that_cannot_start_is_removed_and_kinds_words_are_told(lab, docker):
    docker.order(kubeadm="kubelet is not healthy after 4m0s")
    with pytest.raises(errors.KindFailed) as caught:
        lab.up()
    assert caught.value.what == "kind create cluster"
    assert "failed to init node with kubeadm" in caught.value.tail
    assert "failed to init node" in caught.value.log.read_text()
    assert docker.ours == {}
    assert len(docker.calls("run")) == 1
    assert (lab.running(), lab.status()) == (False, None)
    assert Record.read(lab.state) is None


def test_what_the_node_is_made_of(lab, docker):
    """Own name, loopback, the image by its digest, and our port."""
    docker.order(kubeadm="no")
    with pytest.raises(errors.KindFailed):
        lab.up(port=7123)
    (run,) = docker.calls("run")
    assert run[-1] == versions.KIND_NODE
    assert "--publish=127.0.0.1:7123:6443/TCP" in run
    assert f"io.x-k8s.kind.cluster={lab.context.removeprefix('kind-')}" in run
    (pull,) = docker.calls("pull")
    assert pull[-1].endswith(versions.KIND_NODE.partition("@")[2])
    policy = "/etc/kubernetes/audit/policy.yaml"
    assert f"--volume={lab.state}/audit.yaml:{policy}:ro" in run
    # What kind made of our patch is what kubeadm is given.
    kubeadm = (docker.directory / "kubeadm.conf").read_text()
    assert policy in kubeadm and "audit-log-path" in kubeadm
    assert "runtime-config" in kubeadm, "kind's own options stay"


def test_an_image_that_cannot_be_pulled(lab, docker):
    docker.order(pull="Error response from daemon: no such host")
    with pytest.raises(errors.KindFailed) as caught:
        lab.setup(Silent())
    assert caught.value.what == "docker pull"
    assert "no such host" in caught.value.tail


@pytest.mark.parametrize(
    "moment",
    ["kind create cluster", pytest.param("Starting control-plane", marks=full)],
)
def test_an_interrupt_leaves_nothing(lab, docker, moment):
    docker.order(hang="yes")
    with pytest.raises(KeyboardInterrupt):
        lab.up(Interrupting(moment))
    docker.order()
    assert docker.ours == {}
    assert Record.read(lab.state) is None


@full
def test_a_half_made_node_is_replaced_by_the_next_start(lab, docker):
    docker.order(hang="yes")
    process = subprocess.Popen(
        [sys.executable, "-c", UP, lab.state],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    until((docker.directory / "hanging").exists, 60)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list(docker.ours) == [f"{lab.context.removeprefix('kind-')}-control-plane"]
    assert Record.read(lab.state).made is False
    # It is no cluster: nobody may use it.
    assert (lab.status(), lab.stop()) == (None, False)
    with pytest.raises(errors.NotRunning):
        lab.images()
    docker.order(kubeadm="no")
    with pytest.raises(errors.KindFailed):
        lab.up()
    steps = [call[1] for call in docker.calls() if call[1] in ("run", "rm")]
    assert steps == ["run", "rm", "run", "rm"]


@full
def test_a_half_made_node_can_be_deleted(lab, docker):
    docker.order(hang="yes")
    process = subprocess.Popen(
        [sys.executable, "-c", UP, lab.state],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    until((docker.directory / "hanging").exists, 60)
    process.kill()
    process.wait()
    docker.order()
    assert lab.delete() is True
    assert docker.ours == {}
    assert not lab.state.exists()
    assert lab.delete() is False


def test_without_an_engine_nothing_is_made(lab, docker):
    docker.order(down="Cannot connect to the Docker daemon. Is it running?")
    with pytest.raises(errors.NoEngine) as caught:
        lab.up()
    assert "Cannot connect to the Docker daemon" in caught.value.reason
    assert str(caught.value).count("\n") == 1
    assert not lab.state.exists()


def test_a_directory_of_somebody_else_is_refused(lab, docker):
    lab.state.mkdir()
    (lab.state / "thesis.txt").touch()
    for act in (lab.up, lab.delete):
        with pytest.raises(errors.StateError, match="not of these notebooks"):
            act()
    assert docker.calls("run") == []


# --- other engines ---


def test_the_address_of_podman_counts_as_well(fake, lab, monkeypatch):
    """It has no contexts; a variable leads it elsewhere."""
    fake.install("podman")
    statedir.make(lab.state)
    Record("lab-1", "podman", True, "this machine").write(lab.state)
    monkeypatch.setenv("CONTAINER_HOST", "ssh://remote.example")
    with pytest.raises(errors.LabError, match="CONTAINER_HOST"):
        lab.delete()
    assert lab.state.exists() and fake.calls() == []


def test_the_doctor_looks_at_what_kind_needs(docker, tmp_path):
    env = {"LAB_STATE_DIR": tmp_path / "none", "LAB_BACKEND": "kind"}
    done = helpers("doctor", "--json", env=env)
    found = {entry["name"]: entry["fact"] for entry in json.loads(done.stdout)}
    assert found["backend"].startswith("kind: kindest/node")
    assert found["engine"] == "docker 28.2.2"
    assert found["node image"].endswith("will be pulled")
    assert "namespaces" not in found
    assert not (tmp_path / "none").exists()


# --- podman ---


@full
def test_podman_is_driven_as_well(fake, kind, home, tmp_path, monkeypatch):
    """As far as kind goes before it looks into the node."""
    monkeypatch.setenv("PATH", f"{fake.install('podman')}:{os.environ['PATH']}")
    monkeypatch.setenv("KIND_EXPERIMENTAL_PROVIDER", "podman")
    monkeypatch.setattr(kind_programs, "find_kind", lambda: kind)
    fake.order(kubeadm="no")
    lab = Kind(tmp_path / "state")
    with pytest.raises(errors.KindFailed, match="failed to init node"):
        lab.up()
    assert {call[0] for call in fake.calls()} == {"podman"}
    assert fake.nodes == {}


# --- parts ---


@pytest.mark.parametrize(
    ("version", "taken"), [("v0.20.0", False), ("v0.99.1", True), ("", False)]
)
def test_a_kind_on_path_is_taken_if_it_is_new_enough(
    kind, tmp_path, monkeypatch, version, taken
):
    program = tmp_path / "kind"
    program.write_text(f"#!/bin/sh\necho kind {version} go1.26.8 linux/amd64\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert kind_programs.find_kind() == (program if taken else kind)


def test_our_image_alone_passes_into_the_node(tmp_path):
    archive = image_cache.find(programs.find_kubectl())
    if archive is None:
        pytest.skip("no image before the set-up")
    node_module.extract(archive, versions.TOOLBOX_IMAGE, tmp_path / "alone.tar")
    with tarfile.open(tmp_path / "alone.tar") as tar:
        (entry,) = json.load(tar.extractfile("manifest.json"))
        parts = {entry["Config"], *entry["Layers"], "manifest.json"}
        assert set(tar.getnames()) == parts
    assert entry["RepoTags"] == [versions.TOOLBOX_IMAGE]
    assert saved_names(tmp_path / "alone.tar") == [versions.TOOLBOX_IMAGE]


def test_a_status_has_a_row_for_each_container():
    created = "2026-11-25T10:00:00Z"
    pods = [
        {
            "metadata": {"creationTimestamp": created},
            "status": {
                "containerStatuses": [
                    {
                        "name": "etcd",
                        "restartCount": 2,
                        "state": {"running": {"startedAt": "2026-11-25T10:00:05Z"}},
                        "lastState": {"terminated": {"reason": "Error"}},
                    },
                    {
                        "name": "coredns",
                        "state": {"waiting": {"reason": "ContainerCreating"}},
                    },
                ]
            },
        },
        {"metadata": {"creationTimestamp": created}, "status": {}},
    ]
    assert node_module.component_rows(pods) == {
        "etcd": {
            "state": "running",
            "pid": None,
            "restarts": 2,
            "last_exit": "Error",
            "since": 1795600805.0,
        },
        "coredns": {
            "state": "ContainerCreating",
            "pid": None,
            "restarts": 0,
            "last_exit": None,
            "since": 1795600800.0,
        },
    }


def test_a_damaged_record_is_none(tmp_path):
    assert Record.read(tmp_path) is None
    (tmp_path / "kind.json").write_text("{")
    assert Record.read(tmp_path) is None
    Record("lab-1", "podman", True).write(tmp_path)
    assert Record.read(tmp_path) == Record("lab-1", "podman", True)
    with contextlib.suppress(FileNotFoundError):
        (tmp_path / "kind.json").unlink()
