"""A kind cluster on a real engine, from a start that is killed to its end.

Most of these tests find a cluster ready, whatever the one before did to it.
"""

import json
import os
import signal
import subprocess
import tarfile
import time
from pathlib import Path

import pytest

from cluster import errors, programs as programs, versions
from cluster.backend import STATUS
from cluster.image import find as image_find
from cluster.image.load import full_name
from cluster.kind.backend import LOGS
from cluster.kind.plan import AUDIT, Record
from cluster.kind.programs import NODE_IMAGE
from cluster.machine import audit
from cluster.progress import Silent
from cluster.tests import imagebuild
from cluster.tests.commandline import COMMAND, ROOT, environment, helpers, python
from cluster.tests.image.archives import docker as saved_by_docker
from cluster.tests.progress import Notes
from cluster.tests.slowness import scaled
from cluster.waiting import poll

# Once the node image is made, which takes minutes.
pytestmark = [pytest.mark.machines("kind"), pytest.mark.timeout(1800)]
MAC = ("-m", "cluster.tests.kind.mac")


class Interrupting(Notes):
    """A view during which somebody presses Ctrl-C at a certain moment."""

    def __init__(self, moment):
        super().__init__()
        self.moment = moment

    def update(self, message, detail=""):
        super().update(message)
        if self.moment in message:
            raise KeyboardInterrupt


def starting(lab):
    """Begin a start in a process of its own."""
    env = environment({"LAB_STATE_DIR": lab.state, "LAB_BACKEND": "kind"})
    words, mute = [*COMMAND, "up"], subprocess.DEVNULL
    return subprocess.Popen(words, cwd=ROOT, env=env, stdout=mute)


@pytest.fixture
def whole(lab):
    """Return the cluster, ready."""
    lab.up()
    return lab


# --- starts that do not succeed ---


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("127.0.0.1:1/node:1", "^docker pull 127.*node:1 failed: .*connection refused"),
        ("thesis.tar", "docker load .*thesis.tar fai"),
        ("docker.tar", "holds no named image"),
    ],
)
def test_a_node_image_that_cannot_be_had_is_told(
    lab, nodes, tmp_path, monkeypatch, image, said
):
    (tmp_path / "thesis.tar").write_text("thesis")
    saved_by_docker(tmp_path)
    file = tmp_path / image
    monkeypatch.setenv(NODE_IMAGE, str(file) if file.exists() else image)
    for act in (lab.setup, lab.up):
        with pytest.raises(errors.StartFailed, match=said) as caught:
            act(Silent())
        assert str(caught.value).count("\n") == 1
    assert nodes() == []


def test_an_image_that_is_no_node_is_removed_and_kinds_words_are_told(
    lab, nodes, docker, tmp_path, monkeypatch
):
    """The image comes from an archive, which the engine loads."""
    monkeypatch.setenv(NODE_IMAGE, str(saved_by_docker(tmp_path, "no-node:1")))
    with pytest.raises(errors.KindFailed) as caught:
        lab.up()
    assert caught.value.what == "kind create cluster"
    assert "failed to create cluster" in caught.value.tail
    assert "no-node:1" in caught.value.log.read_text()
    assert nodes() == []
    assert (lab.running(), lab.status()) == (False, None)
    assert Record.read(lab.state) is None
    docker.docker("rmi", "no-node:1")


@pytest.mark.parametrize("moment", ["kind create cluster", "Starting control-plane"])
def test_an_interrupt_leaves_nothing(lab, nodes, moment):
    with pytest.raises(KeyboardInterrupt):
        lab.up(Interrupting(moment))
    assert nodes() == []
    assert Record.read(lab.state) is None


def test_a_half_made_node_is_no_cluster_and_can_be_deleted(lab, nodes):
    _kill_a_start(lab, nodes)
    assert Record.read(lab.state).made is False
    assert (lab.status(), lab.stop()) == (None, False)
    with pytest.raises(errors.NotRunning):
        lab.images()
    assert lab.delete() is True
    assert nodes() == []
    assert not lab.state.exists()
    assert lab.delete() is False


def _kill_a_start(lab, nodes):
    process = starting(lab)
    assert poll(nodes, scaled(60))
    process.send_signal(signal.SIGKILL)
    process.wait()


# --- the cluster ---


def test_two_at_once_get_one_cluster_in_place_of_half_a_node(lab, nodes):
    _kill_a_start(lab, nodes)
    half = nodes()
    began = time.monotonic()
    both = [starting(lab) for _ in range(2)]
    assert [process.wait(scaled(300)) for process in both] == [0, 0]
    print(f"ready {time.monotonic() - began:.0f} s after `up`")
    assert len(nodes()) == 1 and nodes() != half


def toolbox_id(archive):
    """Return the id of our image: the digest of its configuration."""
    with tarfile.open(archive) as tar:
        images = json.load(tar.extractfile("manifest.json"))
    [config] = [
        image["Config"]
        for image in images
        if versions.TOOLBOX_IMAGE in map(full_name, image["RepoTags"])
    ]
    return f"sha256:{Path(config).stem}"


def test_it_is_ready_with_our_image_and_nothing_of_the_learners(whole):
    """Afterwards ~/.kube/config and KUBECONFIG are compared."""
    assert whole.running()
    archive = image_find.ensure(programs.find_kubectl(), Silent())
    [ours] = [each for each in whole.images() if each.name == versions.TOOLBOX_IMAGE]
    assert ours.digest == toolbox_id(archive)
    assert whole.kubeconfig.stat().st_mode & 0o777 == 0o600
    document = json.loads(json.dumps(whole.status()))
    assert document.keys() == STATUS.keys()
    assert document["phase"] == "ready"
    assert document["server"].startswith("https://127.0.0.1:")
    assert document["components"]["coredns"]["state"] == "running"


def test_the_second_call_attaches_and_the_port_stays(whole, nodes):
    before, view = nodes(), Notes()
    port = int(whole.status()["server"].rpartition(":")[2])
    whole.up(view, port=port)
    assert "waiting for DNS" in view.shown
    # Our image is there; it is not sent again.
    assert [line for line in view.shown if line.startswith("kind ")] == []
    with pytest.raises(errors.StartFailed, match=f"made with port {port}, and keeps"):
        whole.up(port=port + 1)
    assert whole.running() and nodes() == before


def test_a_lesson_passes_on_it(whole):
    lesson = ROOT / "notebooks/05-inside-a-pod.ipynb"
    done = python(
        "-m",
        "pytest",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        lesson,
        env={"LAB_STATE_DIR": whole.state, "LAB_BACKEND": "kind"},
        timeout=scaled(300),
    )
    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout.splitlines()[-1]


def test_stop_keeps_it_and_up_starts_it_again(whole, nodes):
    before = nodes()
    assert whole.stop() is True
    assert (whole.stop(), whole.running(), whole.status()) == (False, False, None)
    whole.up()
    assert whole.running() and nodes() == before
    # The components ended with the node, and each has the log of that life.
    assert whole.log("etcd", 7, previous=True)


def test_a_damaged_kubeconfig_is_written_again(whole):
    for damage in ("", "no: yaml: at: all", "{}"):
        whole.kubeconfig.write_text(damage)
        whole.up()
    assert whole.status()["phase"] == "ready"


def test_an_engine_that_goes_away_is_told_and_nothing_is_forgotten(whole):
    socket = Path(os.environ["DOCKER_HOST"].removeprefix("unix://"))
    socket.rename(socket.with_name("away"))
    try:
        for act in (whole.status, whole.up, whole.stop):
            with pytest.raises(errors.EngineFailed, match="Cannot connect to the Dock"):
                act()
        with pytest.raises(errors.KindFailed):
            whole.delete()
        assert not whole.running()
    finally:
        socket.with_name("away").rename(socket)
    assert whole.running()


def test_another_engine_is_not_asked(whole, monkeypatch):
    """`docker context use` after the start; the node stays where it was made."""
    ours = os.environ["DOCKER_HOST"]
    monkeypatch.setenv("DOCKER_HOST", "ssh://remote.example")
    for act in (whole.up, whole.stop, whole.status, whole.delete, whole.images):
        with pytest.raises(errors.LabError) as caught:
            act()
        assert "to ssh://remote.example now" in caught.value.message
        assert caught.value.message.endswith(f"at {ours}.")
        assert str(caught.value).count("\n") == 1
    assert not whole.running()
    monkeypatch.undo()
    assert whole.running() and Record.read(whole.state).made


def test_each_component_has_a_log(whole):
    for component in {*LOGS} - {"kindnet-cni"}:
        assert whole.log(component, 7), component
    with pytest.raises(errors.NotRunning, match="no such log of kindnet-cni"):
        whole.log("kindnet-cni", 7)
    assert len(whole.log("kubelet", 7).splitlines()) == 7
    with pytest.raises(errors.LabError, match=", ".join(LOGS)):
        whole.log("machine", 7)


def test_the_audit_log_is_read_in_the_order_of_its_files(whole, docker):
    older = f"{AUDIT}/{audit.FULL.replace('*', '2026-01')}"
    node = f"{whole.context.removeprefix('kind-')}-control-plane"
    docker.docker("exec", node, "sh", "-c", f"echo '\"older\"' > {older}")
    first, *events = map(json.loads, whole.audit_log().splitlines())
    assert first == "older"
    assert {event["kind"] for event in events} == {"Event"}
    docker.docker("exec", node, "rm", older)


def test_images_of_a_learner_are_added_and_refused(whole, tmp_path):
    (tmp_path / "far").mkdir()
    path = saved_by_docker(tmp_path, "app:1")
    sound = path.read_bytes()
    path.write_bytes(sound.replace(b"bin/app", b"bin/bad"))
    with pytest.raises(errors.LabError, match="refused it: "):
        whole.add_image(path)
    path.write_bytes(sound)
    assert whole.add_image(path) == ["docker.io/library/app:1"]
    assert "docker.io/library/app:1" in {image.name for image in whole.images()}
    with pytest.raises(errors.LabError, match="s390x"):
        far = saved_by_docker(tmp_path / "far", "far:1", architecture="s390x")
        whole.add_image(far)


def test_a_mac_makes_the_image_in_the_engine_and_connects(whole, docker, tmp_path):
    """With the programs of this machine, and an image of its own."""
    kubectl, cache = programs.find_kubectl(), tmp_path / "Caches"
    (cache / "bin").mkdir(parents=True)
    (cache / "bin" / kubectl.name).symlink_to(kubectl)
    env = {"LAB_STATE_DIR": whole.state, "LAB_CACHE_DIR": cache, "LAB_BACKEND": None}
    imagebuild.base(docker)
    trust = f"FROM {versions.DEBIAN}\nENV PIP_CERT={imagebuild.TRUSTED}"
    (tmp_path / "Dockerfile").write_text(trust)
    docker.docker("build", f"--tag={versions.DEBIAN}", str(tmp_path))
    with imagebuild.mirror(docker) as mirror:
        env |= {"LAB_MIRROR": mirror.base, "REQUESTS_CA_BUNDLE": mirror.ca}
        up = python(*MAC, "helpers", "up", env=env, timeout=scaled(300))
    assert up.returncode == 0, up.stderr
    [made] = (cache / "images").glob("*.tar")
    assert toolbox_id(made) in {each.digest for each in whole.images()}
    status = python(*MAC, "helpers", "status", env=env)
    assert status.stdout.splitlines()[0] == "ready", status.stderr
    said = python(*MAC, "cluster.tests.kind.macconnects", env=env)
    assert "(kind cluster" in said.stdout, said.stderr


def test_the_command_line_uses_it_and_deletes_it(whole, nodes):
    """The last of these tests."""
    env = {"LAB_STATE_DIR": whole.state, "LAB_BACKEND": "auto"}
    up = helpers("up", "--backend", "kind", env=env)
    assert up.returncode == 0, up.stderr
    assert str(whole.kubeconfig) in up.stdout
    code = "from helpers import connect; print(repr(connect()))"
    said = python("-c", code, env=env)
    assert f"(kind cluster, context {whole.context})" in said.stdout
    doctor = json.loads(helpers("doctor", "--json", env=env).stdout)
    found = {entry["name"]: entry["message"] for entry in doctor}
    assert found["engine"].startswith("docker ")
    assert found["node image"] == os.environ[NODE_IMAGE]
    assert "namespaces" not in found
    assert helpers("delete", "--yes", env=env).stdout == "deleted\n"
    assert nodes() == []
    assert not whole.state.exists()
