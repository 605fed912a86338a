"""What a start finds in the state directory is kept, unless it would stop the start."""

from pathlib import Path

import pytest

from cluster.local import facts, storage


@pytest.fixture
def state(tmp_path) -> Path:
    data = tmp_path / "state" / "etcd" / "data"
    data.mkdir(parents=True)
    (data / "db").write_text("objects")
    return tmp_path / "state"


def test_objects_of_a_cluster_that_was_ready_are_kept(state, tmp_path):
    (tmp_path / "kube-apiserver").touch()
    facts.remember_bootstrap(str(state / "etcd"), str(tmp_path))
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
