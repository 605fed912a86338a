"""One cluster for the rough tests, apart from the one that lessons are tested on."""

import os

import pytest

from tests.cluster.whole.lab import Lab

#: Longer than the 108 bytes of an AF_UNIX path, with what shells and URLs dislike.
AWKWARD = 'état d\'un "labo" 클러스터 & co; $HOME ' + "x" * 100


@pytest.fixture(scope="package")
def one_lab(tmp_path_factory):
    """Return the cluster, in whatever state the test before left it."""
    lab = Lab(tmp_path_factory.mktemp("lab") / AWKWARD)
    yield lab
    lab.close()


@pytest.fixture
def lab(one_lab):
    """Return the cluster, ready, whatever the test before did to it."""
    up(one_lab)
    return one_lab


@pytest.fixture
def stopped(one_lab):
    """Return the cluster, stopped; it has been up before."""
    if not one_lab.port:
        up(one_lab)
    one_lab.backend.stop()
    return one_lab


def up(lab: Lab) -> None:
    before = os.umask(0)
    try:
        lab.up()
    finally:
        os.umask(before)
