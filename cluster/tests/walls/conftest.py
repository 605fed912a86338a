"""A cluster of each kind of account that can be had here, and hostile pods in it."""

import os

import pytest

from cluster.tests.walls.cluster import running

full = pytest.mark.full("hostile pods and neighbours, for each kind of account")
#: 65536 ids of an ordinary user come by set-uid programs, which `no_new_privs` forbids
ACCOUNTS = [
    pytest.param(name, marks=full)
    for name in (("one id", "root", "65536 ids") if os.geteuid() == 0 else ("me",))
]


@pytest.fixture(scope="package", params=ACCOUNTS)
def lab(request):
    """Return a running cluster of each account; one at a time."""
    with running(request.param) as cluster:
        yield cluster
