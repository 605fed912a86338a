"""What the tests of a learner's own cluster share: two API servers and a state."""

import pytest

from tests.commandline import helpers
from tests.own.servers import Audited


@pytest.fixture(scope="package")
def mine():
    """Return the API server that the learner means."""
    with Audited() as server:
        yield server


@pytest.fixture(scope="package")
def production():
    """Return the one that the learner's environment leads to, and nobody may change."""
    with Audited() as server:
        yield server


@pytest.fixture
def state(tmp_path):
    """Return the environment of a state directory that is not made yet."""
    return {"LAB_STATE_DIR": tmp_path / "state", "LAB_BACKEND": "own"}


@pytest.fixture
def used(mine, state, tmp_path):
    """Return the environment after `use`."""
    file = mine.kubeconfig(tmp_path / "mine.yaml", "mine")
    options = ("--kubeconfig", file, "--context", "mine", "--yes")
    helpers("use", *options, env=state, check=True)
    return state
