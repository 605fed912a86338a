"""A start keeps the files of the state directory, unless they would stop it."""

import os
from pathlib import Path

import pytest

from cluster import statedir
from cluster.machine import layout, storage
from cluster.tests.machine.deep import nested


@pytest.fixture
def state(tmp_path) -> Path:
    data = tmp_path / "state" / "etcd" / "data"
    data.mkdir(parents=True)
    (data / "db").write_text("objects")
    return tmp_path / "state"


def test_objects_of_a_cluster_that_was_ready_are_kept(state, tmp_path):
    (tmp_path / "kube-apiserver").touch()
    storage.remember_bootstrap(str(state / "etcd"), str(tmp_path))
    (tmp_path / "kube-apiserver").write_text("another version")
    storage.prepare(state)
    assert (state / "etcd" / "data" / "db").read_text() == "objects"


def test_an_etcd_that_was_ended_before_it_was_ever_ready_is_made_anew(state):
    storage.prepare(state)
    assert list((state / "etcd").iterdir()) == []


def test_what_only_one_run_needs_is_removed(state):
    (state / "run").mkdir()
    (state / "run" / "status.json").write_text("of the last run")
    storage.prepare(state)
    assert list((state / "run").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_gives_away_what_pods_have_nested_deep(state):
    for name in layout.SHARED:
        (state / name).mkdir(parents=True, exist_ok=True)
    os.symlink("/etc/passwd", state / "logs" / "link")
    with nested(state / "etcd" / "deep"):
        storage.hand_over(state, range(200_000, 265_536))
        entries = [
            *statedir.entries_below(state / "etcd"),
            *statedir.entries_below(state / "logs"),
        ]
        owners = {path.stat(follow_symlinks=False).st_uid for path in entries}
    assert len(entries) > 1100
    assert owners == {200_000}
    assert os.stat("/etc/passwd").st_uid == 0
