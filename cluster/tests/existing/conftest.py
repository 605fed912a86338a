"""Fixtures for tests of an existing cluster: API servers, and a state after `use`."""

import shutil

import pytest

from cluster.tests.commandline import helpers
from cluster.tests.existing.emulated import flags
from cluster.tests.existing.servers import WITHOUT_POLICIES, Audited

#: API servers that these tests start
SERVERS = {"mine", "production", "older"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave all that starts an API server of its own to `make full`."""
    for item in items:
        if not SERVERS.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.full("an existing cluster"))


@pytest.fixture(scope="package")
def mine(request):
    """Return the API server that the learner means; a parameter is what it emulates."""
    with Audited(flags(getattr(request, "param", ""))) as server:
        yield server


@pytest.fixture(scope="package")
def production():
    """Return the one that the learner's environment leads to, and nobody may change."""
    with Audited() as server:
        yield server


@pytest.fixture(scope="module")
def older():
    """Return one without policies, as below Kubernetes 1.30."""
    with Audited(WITHOUT_POLICIES) as server:
        yield server


@pytest.fixture
def state(tmp_path):
    """Return the environment of a state directory that is not made yet."""
    return {"LAB_STATE_DIR": tmp_path / "state", "LAB_BACKEND": "existing"}


@pytest.fixture(scope="package")
def once(mine, tmp_path_factory):
    """Return the environment of a state after `use`, and a copy of that directory."""
    folder = tmp_path_factory.mktemp("used")
    env = {"LAB_STATE_DIR": folder / "state", "LAB_BACKEND": "existing"}
    file = mine.kubeconfig(folder / "mine.yaml", "mine")
    use(env, file, check=True)
    shutil.copytree(folder / "state", folder / "copy", symlinks=True)
    return env, folder / "copy"


@pytest.fixture
def used(once):
    """Return the environment after `use`, whatever the test before did to it."""
    env, copy = once
    shutil.rmtree(env["LAB_STATE_DIR"], ignore_errors=True)
    shutil.copytree(copy, env["LAB_STATE_DIR"], symlinks=True)
    return env


def use(env, file, *options, context="mine", yes=True, **more):
    """Run `use` for a context of a file."""
    words = ("--kubeconfig", file, "--context", context, *(["--yes"] if yes else []))
    return helpers("use", *words, *options, env=env, **more)
