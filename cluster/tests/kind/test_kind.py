"""Parts of the kind backend that need no engine; a whole cluster is for test_whole."""

import os

import pytest

from cluster import errors, statedir, versions
from cluster.kind import node as node_module, programs
from cluster.kind.backend import Kind
from cluster.kind.plan import Record
from cluster.tests.kind.conftest import DOCKER


def test_without_an_engine_nothing_is_made(only, tmp_path):
    only(docker=DOCKER | {"version": ""})
    lab = Kind(tmp_path / "state")
    with pytest.raises(errors.NoEngine) as caught:
        lab.up()
    assert "docker does not answer" in caught.value.reason
    assert str(caught.value).count("\n") == 1
    assert not lab.state.exists()


def test_a_directory_of_somebody_else_is_refused(only, tmp_path):
    only(docker=DOCKER)
    (tmp_path / "thesis.txt").touch()
    lab = Kind(tmp_path)
    for act in (lab.up, lab.delete):
        with pytest.raises(errors.StateError, match="not of these notebooks"):
            act()


def test_the_address_of_podman_counts_as_well(tmp_path, monkeypatch):
    """Podman has no contexts; CONTAINER_HOST leads it elsewhere."""
    lab = Kind(tmp_path / "state")
    statedir.make(lab.state)
    Record("lab-1", "podman", True, "this machine").write(lab.state)
    monkeypatch.setenv("CONTAINER_HOST", "ssh://remote.example")
    with pytest.raises(errors.LabError, match="CONTAINER_HOST"):
        lab.delete()
    assert lab.state.exists()


def test_a_node_image_is_a_name_or_an_archive(tmp_path, monkeypatch):
    monkeypatch.delenv(programs.NODE_IMAGE, raising=False)
    assert programs.node_image() == versions.KIND_NODE
    archive = tmp_path / "node.tar"
    monkeypatch.setenv(programs.NODE_IMAGE, str(archive))
    with pytest.raises(errors.LabError, match="there is no such file") as caught:
        programs.node_image()
    assert str(caught.value).count("\n") == 1
    archive.touch()
    assert programs.node_image() == archive
    monkeypatch.setenv(programs.NODE_IMAGE, "kindest/node:v1.36.1")
    assert programs.node_image() == "kindest/node:v1.36.1"


@pytest.mark.parametrize(
    ("version", "taken"), [("v0.20.0", False), ("v0.99.1", True), ("", False)]
)
def test_a_kind_on_path_is_taken_if_it_is_new_enough(
    tmp_path, monkeypatch, version, taken
):
    ours = tmp_path / "cache"
    monkeypatch.setattr(programs.programs, "find", lambda recipe: ours)
    program = tmp_path / "kind"
    program.write_text(f"#!/bin/sh\necho kind {version} go1.26.8 linux/amd64\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert programs.find_kind() == (program if taken else ours / "kind")


def test_a_status_has_a_row_for_each_container():
    created = {"metadata": {"creationTimestamp": "2026-11-25T10:00:00Z"}}
    etcd = {
        **{"name": "etcd", "restartCount": 2},
        "state": {"running": {"startedAt": "2026-11-25T10:00:05Z"}},
        "lastState": {"terminated": {"reason": "Error"}},
    }
    coredns = {"name": "coredns", "state": {"waiting": {"reason": "Creating"}}}
    pods = [created | {"status": {"containerStatuses": [etcd, coredns]}}]
    rows = node_module.component_rows([*pods, created | {"status": {}}])
    keys = ("state", "pid", "restarts", "last_exit", "since")
    assert {name: tuple(map(row.get, keys)) for name, row in rows.items()} == {
        "etcd": ("running", None, 2, "Error", 1795600805.0),
        "coredns": ("Creating", None, 0, None, 1795600800.0),
    }


def test_a_damaged_record_is_none(tmp_path):
    assert Record.read(tmp_path) is None
    (tmp_path / "kind.json").write_text("{")
    assert Record.read(tmp_path) is None
    Record("lab-1", "podman", True).write(tmp_path)
    assert Record.read(tmp_path) == Record("lab-1", "podman", True)
