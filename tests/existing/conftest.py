"""What the tests of a learner's own cluster share: two API servers and a state."""

import shutil

import pytest

from tests.commandline import helpers
from tests.existing.servers import Audited


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


@pytest.fixture(scope="package")
def once(mine, tmp_path_factory):
    """Return the environment of a state after `use`, and a copy of that directory."""
    folder = tmp_path_factory.mktemp("used")
    env = {"LAB_STATE_DIR": folder / "state", "LAB_BACKEND": "own"}
    file = mine.kubeconfig(folder / "mine.yaml", "mine")
    helpers(
        *("use", "--kubeconfig", file, "--context", "mine", "--yes"),
        env=env,
        check=True,
    )
    shutil.copytree(folder / "state", folder / "copy", symlinks=True)
    return env, folder / "copy"


@pytest.fixture
def used(once):
    """Return the environment after `use`, whatever the test before did to it."""
    env, copy = once
    shutil.rmtree(env["LAB_STATE_DIR"], ignore_errors=True)
    shutil.copytree(copy, env["LAB_STATE_DIR"], symlinks=True)
    return env
