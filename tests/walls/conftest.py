"""A cluster of each kind of account that can be had here, and hostile pods in it."""

import os
import tempfile
from pathlib import Path

import pytest

from tests.walls.cluster import Cluster

full = pytest.mark.full("a third kind of account")
#: 65536 ids of an ordinary user come by set-uid programs, which `no_new_privs` forbids
ACCOUNTS = (
    ["root", "one id", pytest.param("65536 ids", marks=full)]
    if os.geteuid() == 0
    else ["me"]
)


@pytest.fixture(scope="package", params=ACCOUNTS)
def lab(request):
    """Return a running cluster of each account; one at a time."""
    # Not pytest's own directory, where another account may not go.
    with tempfile.TemporaryDirectory(prefix="walls-") as home:
        cluster = Cluster(request.param, Path(home))
        try:
            cluster.up()
            yield cluster
        finally:
            cluster.close()
