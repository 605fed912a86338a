"""What a cluster is short of is named, with what may be removed, and how much it frees.

Real disks without room are in tests/cluster/whole/test_disk.py.
"""

import pytest

from cluster.machine import shortage


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("logs", "audit", "etcd"):
        (tmp_path / "state" / name).mkdir(parents=True)
    return tmp_path / "state"


def test_a_machine_with_room_lacks_nothing(state):
    assert shortage.shortages(state) == {}


def test_what_may_go_is_named_with_its_size(state, tmp_path, monkeypatch):
    monkeypatch.setattr(shortage, "DISK", 10**18)
    (state / "logs" / "etcd.log.1").write_bytes(b"x" * 7_000_000)
    (state / "audit" / "audit-2026-11-26T09-00-00.000.log").write_bytes(b"x" * 9_000)
    (state / "etcd" / "db").write_bytes(b"x" * 13_000_000)
    (tmp_path / "cache" / "build").mkdir(parents=True)
    (tmp_path / "cache" / "build" / "half").write_bytes(b"x" * 30_000_000)
    way_out = shortage.shortages(state)["disk space"].way_out
    assert f"`rm {state}/logs/*.log.1` frees 7 MB." in way_out
    assert f"`rm -r {tmp_path}/cache/build` frees 30 MB." in way_out
    assert "`python -m helpers delete`, with all objects, frees 20 MB." in way_out
    assert "audit" not in way_out


def test_memory_is_that_of_the_cluster(state, monkeypatch):
    monkeypatch.setattr(shortage, "MEMORY", 10**15)
    error = shortage.shortages(state)["memory"]
    assert "Not enough memory for the running cluster" in error.fact
