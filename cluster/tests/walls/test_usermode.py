"""A hostile pod on a node in user-mode Linux: its kernel is a process of the host."""

from pathlib import Path

import pytest

from cluster.tests.walls.cluster import Cluster, running
from cluster.usermode import kernel, walls

pytestmark = [
    pytest.mark.full("user-mode Linux"),
    pytest.mark.skipif(
        kernel.find()[0] is None, reason=kernel.find()[1] or "it can be had"
    ),
    pytest.mark.skipif(walls.version() < walls.WHOLE, reason="before Linux 6.7"),
]
#: signs of an attempt, and all that nodes and their programs need
MEANT = {
    "the host's files",
    "programs",
    "its own directory",
    "to leave the files",
    "the node's network",
    "the API server",
    "to read the images",
}
#: changes that may seem to succeed; `described` shows that they did not
PRETENDED = {"(mode)", "(owner)", "(time)"}


@pytest.fixture
def lab():
    with running("user-mode") as cluster:
        yield cluster


def test_a_privileged_pod_gets_nothing_of_the_learners(lab):
    """The pod mounts the host's files, and asks for more than the API server."""
    row = "the host of its kernel"
    lab.run_pod("privileged", privileged=True, hostPID=True)
    # Made now, as is all that is around the learner.
    assert lab.world
    before = described(lab)
    table = lab.attempts("privileged", rows=[row, "the learner's environment", "keys"])
    got = {name: {*found["got"]} - PRETENDED for name, found in table.items()}
    assert got == {row: MEANT, "the learner's environment": set(), "keys": set()}
    assert described(lab) == before


def described(lab: Cluster) -> dict[Path, tuple]:
    """Return what is in the learner's home, and how it was changed."""
    there = [lab.home, *(path for path in lab.home.iterdir() if path != lab.state)]
    found = {path: path.stat() for path in there}
    return {
        path: (each.st_mode, each.st_uid, each.st_gid, each.st_mtime_ns)
        for path, each in found.items()
    } | {lab.diary / "text": (lab.diary.read_text(),)}
