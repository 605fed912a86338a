"""What a cluster is short of is named, with what may be removed.

Real disks without room are in tests/cluster/whole/test_disk.py.
"""

import pytest

from cluster.machine import storage


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("logs", "audit", "etcd"):
        (tmp_path / "state" / name).mkdir(parents=True)
    return tmp_path / "state"


def test_a_machine_with_room_lacks_nothing(state):
    assert storage.shortages(state) == {}


def test_what_may_go_is_named(state, tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "DISK", 10**18)
    hint = storage.shortages(state)["disk space"].hint
    assert f"`rm {state}/logs/*.log.1`" in hint
    assert f"`rm -r {tmp_path}/cache/build`" in hint


def test_memory_is_that_of_the_cluster(state, monkeypatch):
    monkeypatch.setattr(storage, "MEMORY", 10**15)
    error = storage.shortages(state)["memory"]
    assert "Not enough memory for the running cluster" in error.message
