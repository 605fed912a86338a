"""Names in archives that a learner brings, and in what containerd lists."""

import gzip

import pytest

from cluster.errors import LabError
from cluster.image.load import ListedImage, full_name, parse_list, saved_names
from cluster.tests.image.archives import Layout, docker, write_tar

LISTING = """\
REF                         TYPE         DIGEST    SIZE      PLATFORMS   LABELS
docker.io/library/toolbox:1 application/ sha256:aa 162.4 MiB linux/amd64 a=managed
docker.io/library/app@sha256:cc applica/ sha256:cc 1.0 KiB   linux/amd64 -
sha256:dd                   application/ sha256:aa 162.4 MiB linux/amd64 a=managed
"""


def test_list_has_names_that_a_pod_can_ask_for():
    row = ListedImage("docker.io/library/toolbox:1", "sha256:aa", "linux/amd64")
    assert parse_list(LISTING) == [row]
    assert parse_list("REF TYPE DIGEST SIZE PLATFORMS LABELS\n") == []


def test_names_of_docker_save_and_of_an_oci_layout(tmp_path):
    path = docker(tmp_path, "example.test/app:1", "other:2")
    assert saved_names(path) == ["example.test/app:1", "other:2"]
    packed = tmp_path / "docker.tar.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert saved_names(packed) == ["example.test/app:1", "other:2"]
    layout = Layout()
    # Docker writes both descriptions, and the layout counts.
    layout.files["manifest.json"] = b"[]"
    items = [layout.image("app:1"), layout.image("latest")]
    items[0]["annotations"]["io.containerd.image.name"] = "example.test/app:1"
    assert saved_names(layout.save(tmp_path / "oci.tar", *items)) == [
        "example.test/app:1"
    ]


def refused(path):
    with pytest.raises(LabError) as caught:
        saved_names(path)
    assert str(path) in caught.value.message
    assert str(caught.value).count("\n") == 1
    assert "docker save" in caught.value.hint
    return caught.value.message


def test_what_is_no_archive(tmp_path):
    assert "No such file" in refused(tmp_path / "none.tar")
    assert "Is a directory" in refused(tmp_path)
    (tmp_path / "notes.txt").write_text("not a tar archive\n" * 100)
    assert "no tar archive" in refused(tmp_path / "notes.txt")
    whole = docker(tmp_path, "app:1").read_bytes()
    for pack in (bytes, gzip.compress):
        packed = pack(whole)
        (tmp_path / "cut.tar").write_bytes(packed[: len(packed) // 2])
        assert "no tar archive" in refused(tmp_path / "cut.tar")


def test_images_without_a_name(tmp_path):
    assert "no name" in refused(docker(tmp_path))
    # A tag alone is none.
    layout = Layout()
    path = layout.save(tmp_path / "oci.tar", layout.image("latest"))
    assert "no name" in refused(path)


@pytest.mark.parametrize(
    "files",
    [
        {"etc/passwd": b"root"},
        *(
            {"manifest.json": text}
            for text in (b"{", b"\xff", b"[1]", b"null", b"[{}]", b"[" * 100_000)
        ),
        {"oci-layout": b"", "index.json": b"{}"},
    ],
    ids=range(8),
)
def test_archive_of_something_else(tmp_path, files):
    assert "no image archive" in refused(write_tar(tmp_path / "odd.tar", files))


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
