"""A disk that is full under a running cluster.

Components may end; all come back when there is room, and nothing that was acknowledged
is lost.
"""

import contextlib
import os
import subprocess

import pytest

from cluster.doctor import Cluster
from cluster.machine import storage
from cluster.tests.waiting import until
from cluster.tests.whole.lab import Lab, full

#: components that write to the disk, and have to restart while it is full
WRITERS = ("etcd", "containerd", "kubelet", "kube-apiserver")


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Return a cluster on a small file system."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a file system for all")
    monkeypatch.setattr(storage, "DISK_NEEDED", 400_000_000)
    options = ("-t", "tmpfs", "-o", "size=800m,mode=755")
    subprocess.run(["mount", *options, "none", tmp_path], check=True)
    lab = Lab(tmp_path / "state")
    monkeypatch.setenv("LAB_STATE_DIR", str(lab.state))
    try:
        lab.up()
        yield lab
    finally:
        lab.close()
        subprocess.run(["umount", tmp_path], check=True)


@full
def test_it_goes_on_when_there_is_room_again(small):
    lab, filler = small, small.state.with_name("filler")
    lab.run_pod("steady")
    with open(filler, "wb", buffering=0) as file:
        for size in (1 << 20, 1):
            with contextlib.suppress(OSError):
                while file.write(bytes(size)):
                    pass
    acknowledged = written_until_refused(lab)
    for name in WRITERS:
        # A writer may have ended by itself a moment ago.
        with contextlib.suppress(AssertionError, OSError):
            lab.kill(name)
    for name in WRITERS:
        until(lambda name=name: lab.component(name)["restarts"], 30, f"{name} is told")
    until(lambda: lab.phase() != "ready", 30, "status says that something is down")
    problem = lab.backend.status()["problem"]
    assert f"Not enough disk space in {lab.state}" in problem
    found = {each.name: each for each in Cluster.read().findings()}
    assert "disk space" in found["cluster"].message, (os.statvfs(lab.state), found)
    assert "Free some" in found["cluster"].hint
    filler.unlink()
    until(lambda: lab.phase() == "ready", 60, "all components are back")
    assert not lab.backend.status()["problem"]
    found = lab.kubectl("get", "configmaps", "-o=jsonpath={.items[*].metadata.name}")
    assert acknowledged <= {*found.split()}
    until(lambda: lab.can_exec("steady"), 30, "the pod is as before")
    lab.run_pod("new")


def written_until_refused(lab: Lab) -> set[str]:
    """Create objects, and return the names of those that were acknowledged."""
    acknowledged = set()
    data = f"--from-literal=key={'x' * 100_000}"
    for number in range(200):
        name = f"written-{number}"
        try:
            lab.kubectl("create", "configmap", name, data, "--request-timeout=3s")
        except AssertionError:
            break
        acknowledged.add(name)
    return acknowledged
