"""Images in a running cluster: ours, and those that a learner brings."""

import json
import tarfile
import time

import pytest

from cluster import errors, programs, versions
from cluster.image.find import architecture, ensure
from cluster.image.load import import_archive, list_images
from cluster.local.backend import Local
from cluster.progress import Silent
from cluster.tests.image.archives import Layout, docker
from cluster.tests.slowness import scaled
from helpers.command import kubectl

full = pytest.mark.full("builds from source")

#: Commands that a learner may type in a pod beside those of lessons.
TOOLS = r"""
set -eu
test "$(ps -o comm= -p 1)" = catatonit
nslookup kubernetes.default.svc.cluster.local | grep -q Name
for name in awk clear find gzip hostname ip less nc openssl ping sed tar top vi which
do
    command -v $name > /dev/null || { echo "$name is missing"; exit 1; }
done
test -w /tmp
kubectl version --client --output=json | jq -r .clientVersion.gitVersion
"""


@pytest.fixture(scope="module")
def containerd(cluster):
    """Return the client and the socket of the running cluster's containerd."""
    directory = programs.ensure(Silent())
    return directory / "ctr", Local().state / "run" / "containerd.sock"


def names(containerd):
    return {image.name for image in list_images(*containerd)}


@full
def test_archive_fits_a_single_user_id_and_says_nothing_of_its_maker():
    found = set()
    with tarfile.open(ensure(programs.ensure(Silent()), Silent())) as outer:
        manifest = json.load(outer.extractfile("manifest.json"))
        for layer in manifest[0]["Layers"]:
            with tarfile.open(fileobj=outer.extractfile(layer)) as tar:
                members = list(tar)
            assert {(member.uid, member.gid) for member in members} == {(0, 0)}
            assert not any(member.isdev() for member in members)
            assert not any(member.mode & 0o6000 for member in members)
            found |= {member.name for member in members}
    assert "usr/bin/bash" in found
    assert not found & {"etc/hostname", "etc/resolv.conf", "etc/apt/sources.list"}
    assert not any(name.startswith(("var/lib/apt/", "etc/apt/")) for name in found)


@full
def test_learners_find_their_tools_and_a_pod_ends_when_told(namespace):
    kubectl("run", "tools", "--image=toolbox:1", "--namespace", namespace)
    kubectl("wait", "pod/tools", "--for=condition=Ready", "--namespace", namespace)
    words = ("exec", "tools", "--namespace", namespace, "--", "sh", "-c", TOOLS)
    assert kubectl(*words).stdout.strip() == versions.KUBERNETES
    # The init passes SIGTERM on; without it a pod takes its 30 s of grace.
    began = time.monotonic()
    kubectl("delete", "pod/tools", "--namespace", namespace)
    assert time.monotonic() - began < min(scaled(15), 25)


def test_short_name_in_an_oci_layout_becomes_one_that_a_pod_can_ask_for(
    containerd, tmp_path
):
    full, digests = "docker.io/library/images-short:1", []
    for author in ("first", "second"):
        layout = Layout()
        image = layout.image("images-short:1", architecture(), author)
        path = layout.save(tmp_path / "oci.tar", image)
        assert import_archive(*containerd, path) == [full]
        images = {image.name: image for image in list_images(*containerd)}
        assert "images-short:1" not in images
        digests.append(images[full].digest)
    assert digests[0] != digests[1]


def test_image_for_another_machine_does_not_stay(containerd, tmp_path):
    before, layout = names(containerd), Layout()
    for path in (
        docker(tmp_path, "images-other:1", architecture="s390x"),
        layout.save(tmp_path / "oci.tar", layout.image("images-other:2", "s390x")),
    ):
        with pytest.raises(errors.LabError) as caught:
            import_archive(*containerd, path)
        assert f"linux/{architecture()}" in caught.value.hint
        assert names(containerd) == before


def test_archive_that_only_containerd_finds_fault_with(containerd, tmp_path):
    layout = Layout()
    image = layout.image("images-changed:1", architecture())
    layout.files["blobs/" + image["digest"].replace(":", "/")] += b" "
    path = layout.save(tmp_path / "changed.tar", image)
    with pytest.raises(errors.LabError, match="containerd refused it: .*not found"):
        import_archive(*containerd, path)


def test_socket_whose_path_is_too_long_for_one(containerd, tmp_path):
    ctr, socket = containerd
    far = tmp_path / ("länger " * 12) / ("a" * 100)
    far.mkdir(parents=True)
    (far / "run").symlink_to(socket.parent)
    assert list_images(ctr, far / "run" / socket.name) == list_images(*containerd)


def test_nobody_at_the_socket(tmp_path):
    ctr = programs.ensure(Silent()) / "ctr"
    for socket in (tmp_path / "containerd.sock", tmp_path / "none/containerd.sock"):
        with pytest.raises(errors.NotRunning):
            list_images(ctr, socket)
