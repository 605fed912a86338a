"""The writer of image archives: the same bytes from the same input, and nothing odd."""

import hashlib
import json
import os
import tarfile
import zipfile

import pytest

from cluster.image.archive import (
    EPOCH,
    Entry,
    Image,
    scan,
    write_archive,
    write_layer,
    write_zip,
)


@pytest.fixture
def tree(tmp_path):
    """Return a directory with one of everything that a package may hold."""
    root = tmp_path / "root"
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/tool").write_bytes(b"#!/bin/sh\n")
    (root / "usr/bin/tool").chmod(0o4755)
    os.link(root / "usr/bin/tool", root / "usr/bin/other-name")
    (root / "usr/share").mkdir()
    (root / "usr/share/Zürich 서울.txt").write_text("names are bytes")
    (root / "usr/share" / ("long" * 40)).mkdir()
    (root / "usr/share" / ("long" * 40) / ("name" * 40)).write_text("long")
    os.mkdir(os.fsencode(root) + b"/usr/latin-\xe9")
    (root / "bin").symlink_to("usr/bin")
    (root / "dangling").symlink_to("/nowhere")
    os.mkfifo(root / "pipe")
    return root


def listed(path):
    with tarfile.open(path, encoding="utf-8", errors="surrogateescape") as tar:
        return {member.name: member for member in tar}


def test_layer_holds_what_a_user_namespace_can_unpack(tree, tmp_path):
    members = listed(write_layer(scan(tree), tmp_path / "layer.tar").path)
    assert {(m.uid, m.gid, m.uname, m.gname) for m in members.values()} == {
        (0, 0, "", "")
    }
    assert {m.mtime for m in members.values()} == {EPOCH}
    assert "pipe" not in members
    assert not any(m.isdev() for m in members.values())
    assert members["bin"].linkname == "usr/bin"
    assert members["dangling"].linkname == "/nowhere"
    assert "usr/share/Zürich 서울.txt" in members
    assert os.fsdecode(b"usr/latin-\xe9") in members
    assert f"usr/share/{'long' * 40}/{'name' * 40}" in members
    assert members["usr/bin/other-name"].mode == members["usr"].mode == 0o755
    assert members["usr/share/Zürich 서울.txt"].mode == 0o644
    # The second name of a file is a hard link.
    assert members["usr/bin/other-name"].isreg()
    assert members["usr/bin/tool"].linkname == "usr/bin/other-name"
    # Also where the first is left out.
    tree = scan(tree)
    del tree["usr/bin/other-name"]
    members = listed(write_layer(tree, tmp_path / "layer.tar").path)
    assert members["usr/bin/tool"].isreg()


def test_directories_stand_before_what_is_in_them(tmp_path):
    tree = {"a.b": Entry(content=b""), "a/b/c": Entry(content=b"")}
    path = write_layer(tree, tmp_path / "layer.tar").path
    assert list(listed(path)) == ["a", "a/b", "a/b/c", "a.b"]


def test_scan_does_not_follow_links(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_text("not ours")
    (tmp_path / "root").mkdir()
    (tmp_path / "root/link").symlink_to(tmp_path / "outside")
    assert scan(tmp_path / "root") == {
        "link": Entry(target=str(tmp_path / "outside")),
    }


def test_archive_has_shared_layers_once_and_configs_under_their_digest(tmp_path):
    one = write_layer({"one": Entry(content=b"1")}, tmp_path / "one.tar")
    two = write_layer({"two": Entry(content=b"2")}, tmp_path / "two.tar")
    images = [Image(("app:1",), (one, two), {"Cmd": ["app"]}), Image(("b:1",), (one,))]
    write_archive(images, "arm64", tmp_path / "archive.tar")
    with tarfile.open(tmp_path / "archive.tar") as tar:
        names = tar.getnames()
        content = {name: tar.extractfile(name).read() for name in names}
    assert len(names) == len(set(names)) == 5
    app, base = json.loads(content["manifest.json"])
    assert (app["RepoTags"], base["RepoTags"]) == (["app:1"], ["b:1"])
    assert base["Layers"] == app["Layers"][:1]
    for item in app, base:
        config = content[item["Config"]]
        assert item["Config"] == f"{hashlib.sha256(config).hexdigest()}.json"
        layers = [hashlib.sha256(content[name]).hexdigest() for name in item["Layers"]]
        document = json.loads(config)
        assert document["architecture"] == "arm64"
        assert document["rootfs"]["diff_ids"] == [f"sha256:{layer}" for layer in layers]


def test_zip_file_is_the_same_whenever_it_is_written(tmp_path):
    """The lessons' pods prove that Python imports from it."""
    package = tmp_path / "tree/package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("answer = 42\n")
    write_zip(scan(tmp_path / "tree"), tmp_path / "first.zip")
    os.utime(package / "__init__.py", (1e9, 1e9))
    write_zip(scan(tmp_path / "tree"), tmp_path / "second.zip")
    first = (tmp_path / "first.zip").read_bytes()
    assert first == (tmp_path / "second.zip").read_bytes()
    assert zipfile.ZipFile(tmp_path / "first.zip").namelist() == ["package/__init__.py"]
