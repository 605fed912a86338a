"""The cache of the image: built once by one process, whole or not there at all."""

import fcntl
import lzma
import os
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata

import pytest

from cluster import errors, packages
from cluster.image import find as image_find
from cluster.progress import Silent
from cluster.tests.progress import Notes
from cluster.tests.waiting import until


def maker(content):
    def make(work):
        (work / "made").write_text(content)
        return work / "made"

    return make


def never(work):
    raise AssertionError("built again")


def in_directory(file):
    return sorted(path.name for path in file.parent.iterdir())


@pytest.fixture
def file(tmp_path):
    return tmp_path / "images" / "key.tar"


def test_of_several_at_once_one_builds_and_all_get_the_same(file):
    built, view = [], Notes()

    def make(work):
        # Until somebody has seen that the lock is taken.
        until(lambda: view.shown)
        built.append(work)
        (work / "made").write_text("once")
        return work / "made"

    with ThreadPoolExecutor() as pool:
        asked = [pool.submit(image_find.build_once, file, make, view) for _ in range(3)]
    assert [one.result().read_text() for one in asked] == ["once"] * 3
    assert len(built) == 1
    assert set(view.shown) == {"another process builds the toolbox image; waiting"}


def test_what_a_killed_build_leaves_is_removed_by_the_next(file):
    (file.parent / "build-killed").mkdir(parents=True)
    assert image_find.build_once(file, maker("whole"), Silent()).read_text() == "whole"
    assert in_directory(file) == ["build.lock", "key.tar"]
    assert image_find.build_once(file, never, Silent()).read_text() == "whole"


def test_failed_build_leaves_nothing_and_does_not_block_the_next(file):
    def fails(work):
        (work / "half").write_text("half")
        raise errors.BuildFailed("it", 3, "no", work / "log")

    with pytest.raises(errors.BuildFailed):
        image_find.build_once(file, fails, Silent())
    assert in_directory(file) == ["build.lock"]
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert image_find.build_once(file, maker("next"), Silent()).read_text() == "next"


def test_disk_that_fills_up_during_the_build(file):
    def fills(work):
        with open("/dev/full", "w") as full:
            full.write("more")
        return work

    with pytest.raises(errors.NotEnough) as caught:
        image_find.build_once(file, fills, Silent())
    assert caught.value.needed == image_find.DISK_NEEDED
    assert "LAB_CACHE_DIR" in caught.value.hint
    assert in_directory(file) == ["build.lock"]


def test_cache_that_cannot_be_written(tmp_path):
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(errors.StateError) as caught:
        image_find.build_once(tmp_path / "cache/images/key.tar", never, Silent())
    assert caught.value.path == tmp_path / "cache/images"
    assert "LAB_CACHE_DIR" in caught.value.hint


def test_a_directory_is_kept_for_its_maker_alone(file):
    def make(work):
        (work / "made" / "below").mkdir(parents=True)
        (work / "made").chmod(0o700)
        return work / "made"

    store = image_find.store_of(file)
    assert image_find.build_once(store, make, Silent()) == store
    assert in_directory(file) == ["build.lock", store.name]
    assert store.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in store.iterdir()] == ["below"]


def test_the_oldest_go_with_their_logs_and_stores_but_not_from_under_a_cluster(file):
    file.parent.mkdir()
    for age, name in enumerate(["one", "two", "three", "four", "five"]):
        archive = file.with_name(f"{name}.tar")
        archive.touch()
        archive.with_suffix(".log").touch()
        os.utime(archive, (age, age))
        (image_find.store_of(archive) / "below").mkdir(parents=True)
    used = os.open(image_find.store_of(file.with_name("one.tar")), os.O_RDONLY)
    try:
        fcntl.flock(used, fcntl.LOCK_SH)
        image_find.build_once(file, maker("six"), Silent())
    finally:
        os.close(used)
    left = {name.partition(".")[0] for name in in_directory(file)}
    assert left == {"one", "four", "five", "key", "build"}
    assert image_find.store_of(file.with_name("one.tar")).exists()
    assert file.with_name("one.tar").exists()


def test_without_an_image_and_what_makes_one_all_that_is_missing_is_told_first(
    tmp_path, monkeypatch
):
    """Before programs are downloaded or built, which would be in vain."""
    (tmp_path / "apt-get").touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("LAB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(packages, "SYSTEM_PATH", "/nowhere")
    with pytest.raises(errors.MissingTool) as caught:
        image_find.require_maker()
    assert caught.value.tool == "mmdebstrap"
    everything = "mmdebstrap runc nftables uidmap curl jq, or start Docker or Podman."
    assert caught.value.hint == f"{packages.MANAGERS['apt-get']} {everything}"
    # One that a teacher has prepared may do: only with the programs is that known.
    (tmp_path / "cache/images").mkdir(parents=True)
    (tmp_path / "cache/images/toolbox-1.tar").touch()
    image_find.require_maker()


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """Return binaries, and an image for them that was made in another environment."""
    binaries = tmp_path / "bin"
    binaries.mkdir()
    (binaries / "kubectl").write_text("kubectl")
    monkeypatch.setenv("LAB_CACHE_DIR", str(tmp_path / "cache"))
    with monkeypatch.context() as elsewhere:
        pins = ("kubernetes==37.0.2", "certifi==2026.1.1")
        elsewhere.setattr(image_find, "client_pins", lambda: pins)
        file = image_find.expected_archive(binaries)
        image_find.build_once(file, maker("of the teacher"), Silent())
    return binaries, file


def test_image_of_another_environment_will_do_where_none_can_be_built(
    prepared, monkeypatch
):
    binaries, file = prepared
    monkeypatch.setenv("PATH", "/nonexistent")
    view = Notes()
    assert image_find.ensure(binaries, view) == file
    assert image_find.usable_archive(binaries, view) == file
    assert image_find.is_substitute(file, binaries)
    assert len(view.kept) == 2 and image_find.DIFFERENCE in view.kept[0]
    # The image of this environment comes first and without a word.
    ours = image_find.expected_archive(binaries)
    ours.write_text("ours")
    os.utime(ours, (1, 1))
    assert image_find.ensure(binaries, view) == ours
    assert len(view.kept) == 2 and not image_find.is_substitute(ours, binaries)
    # With another kubectl none will do.
    (binaries / "kubectl").write_text("another")
    assert image_find.usable_archive(binaries) is None


def test_where_one_can_be_built_only_its_own_will_do(prepared, tmp_path, monkeypatch):
    binaries, _ = prepared
    program = tmp_path / "mmdebstrap"
    program.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert image_find.usable_archive(binaries) is None


def test_pod_gets_the_client_of_the_notebook():
    client, *needs = image_find.client_pins()
    assert client == f"kubernetes=={metadata.version('kubernetes')}"
    pins = dict(pin.split("==") for pin in needs)
    assert [*pins] == sorted(pins)
    assert {"pydantic-core", "urllib3", "certifi"} <= pins.keys()
    assert "google-auth" not in pins
    assert pins == {name: metadata.version(name) for name in pins}


def test_a_compressed_archive_is_unpacked_and_none_is_built(prepared, monkeypatch):
    """As in the image for Binder, in which nothing could build one."""
    binaries, other = prepared
    other.unlink()
    monkeypatch.setenv("PATH", "/nonexistent")
    compressed = image_find.compressed_archive(binaries)
    compressed.write_bytes(lzma.compress(b"layers"))
    archive = image_find.ensure(binaries, Silent())
    assert (
        archive == image_find.expected_archive(binaries)
        and archive.read_bytes() == b"layers"
    )
    assert compressed.exists()
