"""Archives that a learner brings: those that are images, and all that are not."""

import gzip
import hashlib
import io
import json
import tarfile

import pytest

from cluster.errors import ImageError
from cluster.image.archive import Entry, Image, write_archive, write_layer
from cluster.image.file import SavedImage, full_name, inspect

APP = SavedImage(("example.test/app:1",), "linux", "amd64")


def docker(folder, *names, architecture="amd64"):
    """Write an archive as `docker save` does, of an image with these names."""
    layer = write_layer({"bin/app": Entry(content=b"app")}, folder / "layer.tar")
    write_archive([Image(names, (layer,))], architecture, folder / "docker.tar")
    return folder / "docker.tar"


class Layout:
    """An OCI layout that grows; `save` writes it as `podman save` does."""

    def __init__(self):
        self.files = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}'}

    def blob(self, document, kind, **more):
        content = json.dumps(document).encode()
        digest = hashlib.sha256(content).hexdigest()
        self.files[f"blobs/sha256/{digest}"] = content
        return {
            "mediaType": f"application/vnd.oci.image.{kind}.v1+json",
            "digest": f"sha256:{digest}",
            "size": len(content),
        } | more

    def image(self, architecture="amd64", **more):
        config = {
            "os": "linux",
            "architecture": architecture,
            # Two images that differ in the name alone would be one to containerd.
            "author": str(more),
            "rootfs": {"type": "layers", "diff_ids": []},
        }
        config = self.blob(config, "config")
        manifest = {"schemaVersion": 2, "config": config, "layers": []}
        return self.blob(manifest, "manifest", **more)

    def index(self, *manifests, **more):
        return self.blob({"schemaVersion": 2, "manifests": manifests}, "index", **more)

    def save(self, path, *manifests):
        index = {"schemaVersion": 2, "manifests": manifests}
        files = self.files | {"index.json": json.dumps(index).encode()}
        return write_tar(path, files)


def write_tar(path, files):
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def named(name):
    return {"annotations": {"org.opencontainers.image.ref.name": name}}


def platform(architecture):
    return {"platform": {"os": "linux", "architecture": architecture}}


def refused(path, architecture="amd64"):
    with pytest.raises(ImageError) as caught:
        inspect(path, architecture)
    assert caught.value.path == path
    assert str(caught.value).count("\n") <= 1
    return caught.value


def test_docker_archive(tmp_path):
    archive = docker(tmp_path, "example.test/app:1", "other:2")
    assert inspect(archive, "amd64") == [
        SavedImage(("example.test/app:1", "other:2"), "linux", "amd64")
    ]


def test_compressed_archive(tmp_path):
    archive = docker(tmp_path, "example.test/app:1")
    packed = tmp_path / "docker.tar.gz"
    packed.write_bytes(gzip.compress(archive.read_bytes()))
    assert inspect(packed, "amd64") == [APP]


def test_oci_layout(tmp_path):
    layout = Layout()
    image = layout.image(**named("example.test/app:1"))
    assert inspect(layout.save(tmp_path / "oci.tar", image), "amd64") == [APP]


def test_image_for_several_machines_counts_as_the_one_for_this_machine(tmp_path):
    layout = Layout()
    attestation = layout.blob(
        {"config": {}, "layers": []}, "manifest", **platform("unknown")
    )
    index = layout.index(
        layout.image("arm64", **platform("arm64")),
        layout.image("amd64", **platform("amd64")),
        attestation,
        **{"annotations": {"io.containerd.image.name": "example.test/app:1"}},
    )
    assert inspect(layout.save(tmp_path / "oci.tar", index), "amd64") == [APP]


def test_parts_for_other_machines_may_be_missing(tmp_path):
    layout, elsewhere = Layout(), Layout()
    index = layout.index(
        elsewhere.image("arm64", **platform("arm64")),
        layout.image("amd64", **platform("amd64")),
        **named("example.test/app:1"),
    )
    archive = layout.save(tmp_path / "oci.tar", index)
    assert inspect(archive, "amd64") == [APP]
    assert "linux/arm64" in refused(archive, "arm64").fact


def test_layout_counts_where_both_descriptions_are(tmp_path):
    layout = Layout()
    layout.files["manifest.json"] = b"[]"
    image = layout.image(**named("example.test/app:1"))
    assert inspect(layout.save(tmp_path / "both.tar", image), "amd64") == [APP]


def test_missing_file(tmp_path):
    assert refused(tmp_path / "none.tar").fact.endswith("no such file or directory.")


def test_directory(tmp_path):
    assert "is a directory" in refused(tmp_path).fact


@pytest.mark.parametrize("content", [b"", b"not a tar archive\n" * 100])
def test_other_file(tmp_path, content):
    (tmp_path / "notes.txt").write_bytes(content)
    error = refused(tmp_path / "notes.txt")
    assert "not a tar archive" in error.fact
    assert "docker save" in error.way_out


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_archive_that_is_cut_off(tmp_path, pack):
    layer = tmp_path / "layer.tar"
    content = {"file": Entry(content=hashlib.shake_256(b"").digest(50_000))}
    images = [Image(("app:1",), (write_layer(content, layer),))]
    write_archive(images, "amd64", tmp_path / "whole.tar")
    whole = pack((tmp_path / "whole.tar").read_bytes())
    (tmp_path / "cut.tar").write_bytes(whole[: len(whole) // 2])
    assert "cut off" in refused(tmp_path / "cut.tar").fact


def test_archive_of_something_else(tmp_path):
    archive = write_tar(tmp_path / "other.tar", {"etc/passwd": b"root"})
    assert "manifest.json or index.json" in refused(archive).fact


def test_image_for_another_machine(tmp_path):
    archive = docker(tmp_path, "app:1", architecture="s390x")
    error = refused(archive, "arm64")
    assert "linux/s390x" in error.fact and "linux/arm64" in error.fact
    assert "--platform=linux/arm64" in error.way_out


def test_image_without_a_name(tmp_path):
    assert "no name" in refused(docker(tmp_path)).fact


def test_tag_alone_is_no_name(tmp_path):
    layout = Layout()
    archive = layout.save(tmp_path / "oci.tar", layout.image(**named("latest")))
    assert "no name" in refused(archive).fact


def test_archive_of_no_images(tmp_path):
    archive = write_tar(tmp_path / "empty.tar", {"manifest.json": b"[]"})
    assert "no image in it" in refused(archive).fact


def test_missing_layer(tmp_path):
    manifest = [{"Config": "c.json", "RepoTags": ["app:1"], "Layers": ["l.tar"]}]
    files = {
        "manifest.json": json.dumps(manifest).encode(),
        "c.json": b'{"os": "linux", "architecture": "amd64"}',
    }
    archive = write_tar(tmp_path / "part.tar", files)
    assert "l.tar is missing" in refused(archive).fact


@pytest.mark.parametrize(
    "manifest",
    [b"{", b"\xff", b"{}x", b"[1]", b"null", b'[{"Config": 1}]', b"[" * 100_000],
)
def test_description_of_another_shape(tmp_path, manifest):
    archive = write_tar(tmp_path / "odd.tar", {"manifest.json": manifest})
    assert "not understood" in refused(archive).fact


def test_index_that_holds_itself(tmp_path):
    layout = Layout()
    item = {"digest": "sha256:0", "size": 1} | named("app:1")
    layout.files["blobs/sha256/0"] = json.dumps({"manifests": [item]}).encode()
    archive = layout.save(tmp_path / "round.tar", item)
    assert "not understood" in refused(archive).fact


def test_description_that_is_a_link(tmp_path):
    path = tmp_path / "link.tar"
    with tarfile.open(path, "w") as tar:
        info = tarfile.TarInfo("manifest.json")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(info)
    assert "no description" in refused(path).fact


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("app", "docker.io/library/app:latest"),
        ("app:1", "docker.io/library/app:1"),
        ("me/app", "docker.io/me/app:latest"),
        ("docker.io/app:1", "docker.io/library/app:1"),
        ("docker.io/me/app:1", "docker.io/me/app:1"),
        ("localhost/app", "localhost/app:latest"),
        ("localhost:5000/app", "localhost:5000/app:latest"),
        ("example.test/a/b/app:1", "example.test/a/b/app:1"),
        ("app@sha256:0", "docker.io/library/app@sha256:0"),
    ],
)
def test_full_names(short, full):
    assert full_name(short) == full
