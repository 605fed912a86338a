"""A machine with a stand-in for its container engine, for the tests of kind."""

from pathlib import Path

import pytest

from cluster import errors, programs
from cluster.programs.recipe import KIND
from cluster.progress import Silent
from tests.cluster.kind.surroundings import (
    Fake,
    as_docker,
    beside_the_learners,
    learners_home,
    stand_in,
)


@pytest.fixture(scope="package")
def kind() -> Path:
    """The genuine kind: from the cache, from its release, or built from its module."""
    try:
        return programs.ensure(Silent(), KIND) / "kind"
    except (errors.DownloadFailed, errors.MissingTool) as error:
        pytest.skip(f"no kind to be had: {error.fact.splitlines()[0]}")


@pytest.fixture
def fake(tmp_path, monkeypatch) -> Fake:
    """A stand-in that no program is made of yet."""
    return stand_in(tmp_path, monkeypatch)


@pytest.fixture
def docker(fake, kind, monkeypatch) -> Fake:
    """A machine where `docker` answers, and kind and kubectl are there."""
    return as_docker(fake, kind, monkeypatch)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A learner's home with a kubeconfig, and another one in KUBECONFIG."""
    with learners_home(tmp_path / "home", monkeypatch) as home:
        yield home


@pytest.fixture
def lab(docker, home, tmp_path):
    """A kind cluster that is not made yet, beside one of the learner's own."""
    with beside_the_learners(docker, tmp_path / "state") as lab:
        yield lab
