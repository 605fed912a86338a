"""The genuine kind; a real engine, and command lines that say what one would."""

from pathlib import Path

import pytest

from cluster import errors, paths, programs
from cluster.kind.backend import Kind
from cluster.kind.programs import NODE_IMAGE
from cluster.programs.recipe import KIND
from cluster.progress import Silent
from cluster.tests.kind import nodeimage

#: Docker's answers to the questions that identify an engine
DOCKER = {
    "--version": "Docker version 28.2.2",
    "context": "unix:///var/run/docker.sock",
    "version": "28.2.2",
}
PODMAN = {"--version": "podman version 5.4.0", "info": "5.4.0"}


@pytest.fixture(scope="package")
def kind() -> Path:
    """The genuine kind: from the cache, from its release, or built from its module."""
    try:
        return programs.ensure(Silent(), KIND) / "kind"
    except (errors.BuildFailed, errors.MissingTool) as error:
        pytest.skip(f"no kind to be had: {error.message.splitlines()[0]}")


@pytest.fixture
def only(tmp_path, monkeypatch):
    """Have no programs on PATH but some that print these answers, or are scripts."""
    for name in ("KIND_EXPERIMENTAL_PROVIDER", "DOCKER_HOST", "CONTAINER_HOST"):
        monkeypatch.delenv(name, raising=False)

    def only(**programs):
        for name, answers in programs.items():
            if isinstance(answers, dict):
                lines = (f"{word}) echo '{says}';;" for word, says in answers.items())
                answers = f'case "$1" in {" ".join(lines)} esac'
            program = tmp_path / name
            program.write_text(f"#!/bin/sh\n{answers}\n")
            program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        return tmp_path

    return only


@pytest.fixture(scope="module")
def docker(engine, kind, tmp_path_factory):
    """Return the engine, in whose network these tests run, with a node image.

    There is a kind cluster of the learner's own as well, and there are two kubeconfigs.
    Nothing of that changes.
    """
    node, home = nodeimage.ensure(engine), tmp_path_factory.mktemp("home")
    (home / ".kube").mkdir()
    kubeconfigs = home / ".kube/config", home / "other"
    for file in kubeconfigs:
        file.write_text("current-context: production\n")
    settings = {
        **{name: engine.environment[name] for name in ("PATH", "DOCKER_HOST")},
        "DOCKER_CONFIG": engine.environment["DOCKER_CONFIG"],
        "LAB_CACHE_DIR": str(paths.cache_dir()),
        "HOME": str(home),
        "KUBECONFIG": str(kubeconfigs[1]),
        NODE_IMAGE: node,
    }
    labels = ("--label=io.x-k8s.kind.cluster=kind", "--label=io.x-k8s.kind.role=x")
    run = ("run", "--detach", "--entrypoint=sleep", *labels)
    learners = engine.docker(*run, node, "infinity")
    with pytest.MonkeyPatch.context() as patch, engine.network():
        for name, value in settings.items():
            patch.setenv(name, value)
        patch.delenv("KIND_EXPERIMENTAL_PROVIDER", raising=False)
        yield engine
    for file in kubeconfigs:
        assert file.read_text() == "current-context: production\n"
    assert engine.docker("ps", "--quiet", "--no-trunc") == learners
    engine.docker("rm", "--force", learners)


@pytest.fixture(scope="module")
def lab(docker, tmp_path_factory):
    """Return a cluster that nobody has started."""
    lab = Kind(tmp_path_factory.mktemp("whole") / "state")
    yield lab
    lab.delete()


@pytest.fixture
def nodes(docker, lab):
    """Return what lists the containers of that cluster by their ids."""
    label = f"label=io.x-k8s.kind.cluster={lab.context.removeprefix('kind-')}"
    form = ("--all", "--quiet", "--no-trunc")
    return lambda: docker.docker("ps", *form, f"--filter={label}").split()
