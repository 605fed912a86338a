"""Images have the suite's names, and what its pods look for in them."""

from pathlib import Path

from cluster.image.archive import Entry, Layer
from cluster.tests.conformance import images
from cluster.tests.machines import suite

NAMES = """\
registry.k8s.io/e2e-test-images/agnhost:2.55
registry.k8s.io/e2e-test-images/agnhost:2.66.1
registry.k8s.io/e2e-test-images/volume/nfs:1.6.0
registry.k8s.io/etcd:3.7.0-0
gcr.io/k8s-authenticated-test/agnhost:2.6
invalid.registry.k8s.io/invalid/alpine:3.1
""".split()
AGNHOST = images.STAND_INS["registry.k8s.io/e2e-test-images/agnhost"]


def layers():
    names = {layer for each in images.STAND_INS.values() for layer in each.layers}
    return {name: Layer(Path(name), name) for name in names}


def test_a_name_without_a_stand_in_and_one_that_nobody_may_pull_have_no_image():
    made = images.images(NAMES, layers())
    assert [image.names for image in made] == [(NAMES[0],), (NAMES[1],), (NAMES[3],)]


def test_two_tags_are_two_images_with_a_path_and_the_same_layers():
    older, newer, _ = images.images(NAMES, layers())
    assert older.layers == newer.layers
    assert [layer.digest for layer in newer.layers] == [*AGNHOST.layers]
    assert newer.config["Entrypoint"] == ["/agnhost"]
    assert newer.config["Env"][0].startswith("PATH=")
    assert older.config != newer.config


def test_every_layer_of_an_image_is_described_from_files_that_a_build_makes(tmp_path):
    debian, built = tmp_path / "debian", tmp_path / "built"
    for name in ("usr/bin/catatonit", "usr/bin/dig", "usr/share/doc/dig/README"):
        (debian / name).parent.mkdir(parents=True, exist_ok=True)
        (debian / name).touch(0o755)
    trees = images.trees(debian, ["busybox", "sh", "ls"], built, tmp_path / "etcd")
    assert trees.keys() == layers().keys()
    sources = {
        entry.source.relative_to(built)
        for tree in trees.values()
        for entry in tree.values()
        if entry.source and entry.source.is_relative_to(built)
    }
    programs = suite.PROGRAMS.keys() - {"ginkgo"}
    data = {Path(suite.DATA, name) for name in suite.DATA_FILES}
    assert sources == {*map(Path, programs)} | data
    # Documents are left out; bash is the shell that a path finds, and not /bin/sh.
    assert "usr/share/doc/dig/README" not in trees["debian"]
    assert trees["debian"]["usr/bin/dig"] == Entry(source=debian / "usr/bin/dig")
    assert trees["busybox"]["bin/ls"] == Entry(target="busybox")
    shell = Entry(source=debian / "usr/bin/bash-static")
    assert trees["busybox"]["usr/local/bin/sh"] == shell
    assert trees["busybox"]["bin/sh"] == Entry(target="busybox")
    assert trees["busybox"]["bin/busybox"].target is None
    assert trees["nnp"]["usr/local/bin/nnp"].mode == 0o6755


def test_packages_are_those_of_this_ubuntu_or_of_debian():
    """Whose keys a system has; a trial on another one would need those of both."""
    for name, suite_name in (
        ("ubuntu-24.04", "noble"),
        ("debian-12", "trixie"),
        ("fedora-42", "trixie"),
    ):
        assert images.source(name).suite == suite_name
