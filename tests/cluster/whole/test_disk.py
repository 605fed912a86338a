"""A disk that is full, or has no inodes left, under a running cluster.

Components may end; all come back when there is room, and nothing that was acknowledged
is lost.
"""

import contextlib
import os
import signal
import subprocess

import pytest

from cluster import errors
from cluster.doctor.cluster import Cluster
from cluster.machine import host, probes, storage
from tests.cluster.whole.lab import Lab, full
from tests.waiting import until

#: what writes to the disk, and has to begin anew while it is full
WRITERS = ("etcd", "containerd", "kubelet", "kube-apiserver")


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Make clusters on a small file system, of the options of tmpfs."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a file system for all")
    monkeypatch.setattr(storage, "DISK_NEEDED", 400_000_000)
    with contextlib.ExitStack() as after:

        def start(options: str) -> Lab:
            command = ["mount", "-t", "tmpfs", "-o", options, "none", tmp_path]
            subprocess.run(command, check=True)
            after.callback(subprocess.run, ["umount", tmp_path], check=True)
            lab = Lab(tmp_path / "state")
            after.callback(lab.close)
            monkeypatch.setenv("LAB_STATE_DIR", str(lab.state))
            lab.up()
            return lab

        yield start


def fill(directory):
    with open(directory / "filler", "wb", buffering=0) as file:
        for size in (1 << 20, 1):
            with contextlib.suppress(OSError):
                while file.write(bytes(size)):
                    pass


def take_inodes(directory):
    with contextlib.suppress(OSError):
        for number in range(10**6):
            (directory / f"filler-{number}").touch()


@full
@pytest.mark.parametrize(
    ("options", "exhaust", "short"),
    [
        ("size=800m,mode=755", fill, "disk space"),
        ("nr_inodes=8k,mode=755", take_inodes, "inodes"),
    ],
)
def test_it_goes_on_when_there_is_room_again(small, options, exhaust, short):
    lab = small(options)
    lab.run_pod("steady")
    exhaust(lab.state.parent)
    acknowledged = written_until_refused(lab, short == "disk space")
    for name in WRITERS:
        # It may have ended by itself a moment ago.
        with contextlib.suppress(AssertionError, OSError):
            lab.kill(name)
    for name in WRITERS:
        until(lambda name=name: lab.component(name)["restarts"], 30, f"{name} is told")
    until(lambda: lab.phase() != "ready", 30, "status says that something is down")
    assert f"Not enough {short} in {lab.state}" in lab.backend.status()["problem"]
    found = {each.name: each for each in Cluster.read().findings()}
    assert short in found["cluster"].message, (os.statvfs(lab.state), found)
    assert "Free some" in found["cluster"].hint
    for filler in lab.state.parent.glob("filler*"):
        filler.unlink()
    until(lambda: lab.phase() == "ready", 60, "all components are back")
    assert not lab.backend.status()["problem"]
    assert acknowledged <= objects(lab)
    until(lambda: lab.can_exec("steady"), 30, "the pod is as before")
    lab.run_pod("new")


@full
def test_up_names_the_disk_of_a_cluster_that_does_not_answer(lab, monkeypatch):
    """So does `connect()`: to start it anew would not help."""
    monkeypatch.setattr(probes, "TIMEOUT", 1.0)
    monkeypatch.setattr(host, "ANSWER_WITHIN", 1.0)
    monkeypatch.setattr(storage, "DISK", 10**18)
    lab.kill("etcd", signal.SIGSTOP)
    try:
        until(lambda: lab.phase() == "not answering", 30)
        with pytest.raises(errors.NotEnough, match="disk space"):
            lab.up()
    finally:
        lab.kill("etcd", signal.SIGCONT)
    until(lambda: lab.phase() == "ready", 30)


def written_until_refused(lab: Lab, large: bool) -> set[str]:
    """Create objects, and return the names of those that were acknowledged.

    Large ones, until one is refused; small ones fit into what etcd has already.
    """
    acknowledged = set()
    data = f"--from-literal=key={'x' * (100_000 if large else 10)}"
    for number in range(200 if large else 20):
        name = f"written-{number}"
        try:
            lab.kubectl("create", "configmap", name, data, "--request-timeout=3s")
        except AssertionError:
            break
        acknowledged.add(name)
    assert large or len(acknowledged) == 20
    return acknowledged


def objects(lab: Lab) -> set[str]:
    found = lab.kubectl("get", "configmaps", "-o=jsonpath={.items[*].metadata.name}")
    return set(found.split())
