"""Shortages of a cluster are named, with what may be removed.

Real disks without room are in cluster/tests/whole/test_disk.py.
"""

import os
from types import SimpleNamespace

import pytest

from cluster.machine import shortage


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("logs", "audit", "etcd"):
        (tmp_path / "state" / name).mkdir(parents=True)
    return tmp_path / "state"


def test_what_is_short_is_named_with_what_may_go(state, tmp_path, monkeypatch):
    assert shortage.shortages(state) == {}
    monkeypatch.setattr(shortage, "DISK", 10**18)
    monkeypatch.setattr(shortage, "INODES", 10**18)
    monkeypatch.setattr(shortage, "MEMORY", 10**15)
    found = shortage.shortages(state)
    # A file system without a fixed number of inodes lacks none.
    assert ("inodes" in found) == (os.statvfs(state).f_files > 0)
    assert f"`rm {state}/logs/*.log.1`" in found["disk space"].hint
    assert f"`rm -r {tmp_path}/cache/build`" in found["disk space"].hint
    assert "memory for the running cluster" in found["memory"].message


@pytest.mark.parametrize(
    ("blocks", "inodes", "memory", "short"),
    [
        (200_000, 500, 300e6, []),
        (199_999, 500, 300e6, ["disk space"]),
        (200_000, 499, 300e6, ["inodes"]),
        (200_000, 500, 299e6, ["memory"]),
    ],
)
def test_a_cluster_is_short_of_what_its_parts_need(
    state, monkeypatch, blocks, inodes, memory, short
):
    disk = SimpleNamespace(f_bavail=blocks, f_frsize=1000, f_files=1, f_favail=inodes)
    monkeypatch.setattr(shortage.os, "statvfs", lambda path: disk)
    monkeypatch.setattr(
        shortage.preflight, "memory_available", lambda membership: memory
    )
    assert [*shortage.shortages(state)] == short
