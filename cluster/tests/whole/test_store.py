"""The image is imported once, in the cache; each cluster begins with what that gave."""

import json
import shutil

import pytest

from cluster.image import find as image_find, load
from cluster.image.archive import Entry, Image, write_archive, write_layer
from cluster.local import store
from cluster.progress import Silent
from cluster.tests.running import sleeper
from cluster.tests.whole.lab import Lab, full

pytestmark = full

SNAPSHOTS = "io.containerd.snapshotter.v1.overlayfs/snapshots/*"


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """Return a running cluster, and the store in a cache of whoever tests."""
    with pytest.MonkeyPatch.context() as here:
        plain = Lab(tmp_path_factory.mktemp("plain"))
        cache = tmp_path_factory.mktemp("cache")
        here.setenv("LAB_CACHE_DIR", str(cache))
        here.setenv("LAB_ASSETS", str(plain.binaries))
        archive = cache / "images" / plain.archive.name
        archive.parent.mkdir()
        archive.symlink_to(plain.archive)
        lab = Lab(tmp_path_factory.mktemp("lab") / "state")
        made = image_find.store_of(archive)
        assert made.is_dir()
        before = entries(made)
        try:
            lab.up()
            yield lab, made
        finally:
            lab.close()
        # Neither the tests nor their pods have changed the store.
        assert entries(made) == before


def entries(made):
    """Return what is in a store, and when each was changed."""
    found = [(path, path.lstat()) for path in made.rglob("*")]
    return sorted(
        (path, each.st_uid, each.st_size, each.st_mtime) for path, each in found
    )


def containerd(lab):
    return lab.state / "node" / "containerd"


def links(lab):
    """Say of each layer whether its files are elsewhere."""
    return [(each / "fs").is_symlink() for each in containerd(lab).glob(SNAPSHOTS)]


def run(lab, pod):
    lab.kubectl("apply", "-f", "-", input=json.dumps(pod))
    lab.await_pod(pod["metadata"]["name"])


def test_nothing_is_imported_and_nothing_copied(begun):
    lab, made = begun
    assert "image-import" not in lab.machine.status()["components"]
    assert links(lab) and all(links(lab))
    sizes = [path.lstat().st_size for path in containerd(lab).rglob("*")]
    assert sum(sizes) < 10e6 < sum(size for _, _, size, _ in entries(made))
    names = [image.name for image in lab.backend.images()]
    assert names == ["docker.io/library/toolbox:1", "registry.k8s.io/pause:3.10"]


def test_a_pod_changes_files_of_the_image_for_itself(begun):
    lab, _ = begun
    run(lab, sleeper("first"))
    run(lab, sleeper("second"))
    change = (
        "echo more >>/usr/bin/env; rm -r /usr/share; mkdir -p /srv/new; ls -ld /tmp"
    )
    said = lab.kubectl("exec", "first", "--", "sh", "-c", change)
    assert said.split()[2:4] == ["root", "root"]
    intact = "tail -c 5 /usr/bin/env | grep -q more; echo $?; ls -d /usr/share"
    found = lab.kubectl("exec", "second", "--", "sh", "-c", intact)
    assert found.split() == ["1", "/usr/share"]


def test_an_update_of_the_image_keeps_the_store_and_what_was_added(begun, tmp_path):
    lab, made = begun
    layer = write_layer({"etc/motto": Entry(0o644, content=b"")}, tmp_path / "l.tar")
    image = Image(("lab-test:1",), (layer,), {"Cmd": ["/app"]})
    write_archive([image], load.architecture(), tmp_path / "app.tar")
    lab.backend.add_image(tmp_path / "app.tar")
    names = {image.name for image in lab.backend.images()}
    assert "docker.io/library/lab-test:1" in names
    newer = made.with_name("newer.tar")
    shutil.copyfile(lab.archive, newer)
    lab.backend.stop()
    try:
        lab.machine.start(lab.binaries, newer, lab.port, Silent())
        assert lab.component("image-import")["state"] == "done"
        assert {image.name for image in lab.backend.images()} == names
        assert any(links(lab))
        run(lab, sleeper("updated"))
    finally:
        newer.unlink()
        lab.backend.stop()
        lab.up()


def test_what_cannot_be_imported_gives_no_store_and_no_error(begun, tmp_path):
    """The import in a cluster has the words for it."""
    lab, _ = begun
    archive = tmp_path / "key.tar"
    archive.write_text("no archive")
    store.ensure(lab.binaries, archive, Silent())
    assert {path.name for path in tmp_path.iterdir()} == {"build.lock", "key.tar"}


def test_one_whose_store_is_gone_begins_anew_and_keeps_its_objects(begun):
    lab, made = begun
    lab.kubectl("create", "configmap", "kept")
    lab.backend.stop()
    aside = made.rename(made.with_suffix(".aside"))
    try:
        # The way of a start without the set-up: the archive is imported.
        lab.machine.start(lab.binaries, lab.archive, lab.port, Silent())
        assert lab.component("image-import")["state"] == "done"
        assert links(lab) and not any(links(lab))
        run(lab, sleeper("third"))
        lab.kubectl("get", "configmap", "kept")
    finally:
        lab.backend.stop()
        aside.rename(made)
