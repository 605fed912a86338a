"""A cluster for the rough tests, apart from the one that lessons are tested on."""

import pytest

from cluster.tests.whole.lab import Lab

#: Longer than the 108 bytes of an AF_UNIX path, with what shells and URLs dislike.
AWKWARD = 'état d\'un "labo" 클러스터 & co; $HOME ' + "x" * 100


@pytest.fixture(scope="package")
def one_lab(tmp_path_factory):
    """Return the cluster, in whatever state the test before left it."""
    lab = Lab(tmp_path_factory.mktemp("lab") / AWKWARD)
    yield lab
    lab.close()
