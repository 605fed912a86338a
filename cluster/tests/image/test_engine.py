"""Where mmdebstrap is missing, a container engine gives the image's packages."""

import io
import json
import shutil
import tarfile

import pytest

from cluster import errors, programs, versions
from cluster.image import engine as image_engine, find as image_find
from cluster.image.build import Build
from cluster.progress import Silent
from cluster.tests import imagebuild, otherlinux
from cluster.tests.slowness import scaled


@pytest.fixture
def only(tmp_path, monkeypatch):
    """Return what makes programs of shell scripts, and has these alone on PATH."""

    def only(**scripts):
        directory = tmp_path / "bin"
        directory.mkdir()
        for name, script in scripts.items():
            (directory / name).write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
            (directory / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(directory))

    return only


#: what Docker's own program does where no daemon answers
MUTE = "echo 'Cannot connect to the Docker daemon' >&2; exit 1"


@pytest.mark.parametrize(
    ("programs", "found"),
    [
        ({"docker": "echo 28.2.2", "podman": "echo 5.4.0"}, "docker"),
        ({"docker": MUTE, "podman": "echo 5.4.0"}, "podman"),
        ({"docker": MUTE, "podman": "sleep 9"}, ""),
        # As of a client that is alone: an empty version.
        ({"docker": "echo"}, ""),
        ({}, ""),
    ],
)
def test_an_engine_that_answers_can_make_the_image(programs, found, only, monkeypatch):
    monkeypatch.setattr(image_engine, "LOOK", scaled(0.5))
    only(**programs)
    assert image_engine.find() == found
    assert image_find.can_build() == bool(found)


@pytest.mark.parametrize(
    ("manager", "said"),
    [
        ("dnf", "sudo dnf install -y podman, or start Docker or Podman."),
        ("nix-shell", "Start Docker or Podman."),
    ],
)
def test_an_engine_is_the_way_out_where_no_manager_has_mmdebstrap(manager, said, only):
    only(**{manager: ""})
    assert image_engine.way_out() == said


def packed(path):
    """Write a tar file as mmdebstrap prints it in a container."""
    with tarfile.open(path, "w") as tar:
        for name, kind, content in (
            ("./", tarfile.DIRTYPE, ""),
            ("./usr/bin/", tarfile.DIRTYPE, ""),
            ("./bin", tarfile.SYMTYPE, "usr/bin"),
            ("./usr/bin/bash", tarfile.REGTYPE, "bash"),
            ("./usr/bin/dpkg", tarfile.REGTYPE, "dpkg"),
            ("./dev/", tarfile.DIRTYPE, ""),
            ("./dev/null", tarfile.CHRTYPE, ""),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.mode = kind, 0o755
            data = content.encode() if kind == tarfile.REGTYPE else b""
            member.linkname = "" if data else content
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


def test_a_container_gives_the_packages_where_mmdebstrap_is_missing(tmp_path, only):
    """Devices stay out, which only root can make, and the packages are not logged."""
    packed(tmp_path / "tar")
    told = tmp_path / "told"
    answer = f'echo "$@" >{told}; echo pulling >&2; exec cat {tmp_path}/tar'
    only(docker=f"[ $1 = version ] && echo 28.2.2 || {{ {answer}; }}")
    making = Build(tmp_path, tmp_path / "build.log", Silent())
    root = making._unpack("arm64")
    assert (root / "bin/bash").read_text() == "bash"
    assert not (root / "usr/bin/dpkg").exists()
    assert list((root / "dev").iterdir()) == []
    assert (tmp_path / "build.log").read_text() == "pulling\n"
    assert not (tmp_path / "root.tar").exists()
    words = told.read_text()
    assert words.startswith("run --rm --platform=linux/arm64 docker.io/library/debian:")
    assert words.rstrip().endswith(" trixie -")


def test_a_container_that_fails_is_shown_with_its_last_words(tmp_path, only):
    fails = "echo 'Unable to find image' >&2; exit 125"
    only(podman=f"[ $1 = info ] && echo 5.4.0 || {{ {fails}; }}")
    making = Build(tmp_path, tmp_path / "build.log", Silent())
    with pytest.raises(errors.BuildFailed) as caught:
        making._unpack("amd64")
    assert "Debian packages" in caught.value.what
    assert caught.value.exit_code == 125
    assert caught.value.tail == "Unable to find image"


@pytest.mark.full("builds from source")
def test_the_image_of_an_engine_is_that_of_debian_13(engine, tmp_path, monkeypatch):
    """Without mmdebstrap, in Docker; two names, one user, and Python's client in it."""
    path = otherlinux.path(tmp_path / "bin", lacks=("docker",))
    docker = shutil.which("docker", path=engine.environment["PATH"])
    (tmp_path / "bin/docker").symlink_to(docker)
    imagebuild.base(engine)
    for name in ("DOCKER_HOST", "DOCKER_CONFIG"):
        monkeypatch.setenv(name, engine.environment[name])
    binaries = programs.ensure(Silent())
    monkeypatch.setenv("PATH", path)
    work = tmp_path / "work"
    work.mkdir()
    making = Build(work, tmp_path / "build.log", Silent())
    archive = making.make(
        binaries / "kubectl", image_find.client_pins(), image_find.architecture()
    )
    with tarfile.open(archive) as outer:
        toolbox, pause = json.load(outer.extractfile("manifest.json"))
        found = set()
        for layer in toolbox["Layers"]:
            with tarfile.open(fileobj=outer.extractfile(layer)) as tar:
                members = list(tar)
            assert {(member.uid, member.gid) for member in members} == {(0, 0)}
            assert not any(member.isdev() for member in members)
            found |= {member.name for member in members}
    assert toolbox["RepoTags"] == [versions.TOOLBOX_IMAGE]
    assert pause["RepoTags"] == [versions.PAUSE_IMAGE]
    assert {"usr/bin/bash", "usr/bin/jq", "usr/local/bin/kubectl"} <= found
    assert not any(name.startswith(("var/lib/apt/", "etc/apt/")) for name in found)
    left = f"--filter=ancestor={versions.DEBIAN}"
    assert engine.docker("ps", "--all", "--quiet", left) == ""
