"""A containerd begins with a store: its own databases, and everybody's layers."""

import pytest

from cluster.image import store

SNAPSHOTS = "io.containerd.snapshotter.v1.overlayfs/snapshots"
DATABASE = "io.containerd.metadata.v1.bolt/meta.db"


@pytest.fixture
def kept(tmp_path):
    kept = tmp_path / "kept"
    layer = kept / SNAPSHOTS / "1" / "fs"
    layer.mkdir(parents=True)
    (layer / "file").write_text("of an image")
    # A layer may have a directory of that name, too.
    (layer / "fs").mkdir()
    (kept / SNAPSHOTS / "1" / "work").mkdir()
    (kept / DATABASE).parent.mkdir()
    (kept / DATABASE).write_text("images")
    return kept


def test_layers_are_read_where_they_are(kept, tmp_path):
    data = tmp_path / "data"
    store.begin(kept, data)
    assert (data / SNAPSHOTS / "1" / "fs").readlink() == kept / SNAPSHOTS / "1" / "fs"
    assert (data / SNAPSHOTS / "1" / "fs" / "file").read_text() == "of an image"
    assert (data / SNAPSHOTS / "1" / "work").is_dir()


def test_one_whose_layers_are_gone_is_not_whole(kept, tmp_path):
    data = tmp_path / "data"
    assert store.is_whole(data)  # nothing is missing yet
    store.begin(kept, data)
    # Of an image that was added, and what containerd leaves when it is killed.
    (data / SNAPSHOTS / "2" / "fs").mkdir(parents=True)
    (data / SNAPSHOTS / "new-1").mkdir()
    assert store.is_whole(data)
    kept.rename(tmp_path / "away")
    assert not store.is_whole(data)


def test_what_is_written_is_a_copy(kept, tmp_path):
    data = tmp_path / "data"
    data.mkdir()  # where something is mounted
    store.begin(kept, data)
    (data / DATABASE).write_text("and containers")
    (data / SNAPSHOTS / "2").mkdir()
    assert (kept / DATABASE).read_text() == "images"
    assert not (kept / SNAPSHOTS / "2").exists()
