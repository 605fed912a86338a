"""What is around a kind cluster in these tests: an engine, and a learner's own things.

The engine is `tests.cluster.kind.fake_engine`; kind itself is genuine.
"""

import contextlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster import paths, programs
from cluster.kind.backend import Kind
from tests.cluster.kind import fake_engine

#: a node that is not ours
LEARNERS = {"state": "running", "cluster": "kind", "role": "control-plane"}


@dataclass
class Fake:
    """The stand-in for an engine: its directory, and what it was asked."""

    directory: Path

    def install(self, *names: str) -> Path:
        """Make it callable by these names; return the directory for PATH."""
        binaries = self.directory / "bin"
        binaries.mkdir(parents=True, exist_ok=True)
        for name in names:
            program = binaries / name
            text = Path(fake_engine.__file__).read_text()
            program.write_text(f"#!{sys.executable} -IS\n{text}")
            program.chmod(0o755)
        return binaries

    def order(self, **faults: str) -> None:
        """Have these things go wrong from now on, and no others."""
        port = json.loads(self._faults.read_text()) if self._faults.exists() else {}
        kept = {name: port[name] for name in ("port",) if name in port}
        self._faults.write_text(json.dumps({**kept, **faults}))

    @property
    def _faults(self) -> Path:
        return self.directory / "faults.json"

    def calls(self, *words: str) -> list[list[str]]:
        """Return the calls whose first words after the program are these."""
        path = self.directory / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        found = [json.loads(line) for line in lines]
        return [call for call in found if call[1 : 1 + len(words)] == list(words)]

    def state(self) -> dict:
        path = self.directory / "state.json"
        return json.loads(path.read_text()) if path.exists() else {"nodes": {}}

    def forget(self) -> None:
        """Count calls from here on."""
        (self.directory / "calls").unlink(missing_ok=True)

    @property
    def ours(self) -> dict[str, dict]:
        """Return the nodes that are not the learner's."""
        return {n: node for n, node in self.nodes.items() if node["cluster"] != "kind"}

    @property
    def nodes(self) -> dict[str, dict]:
        return self.state()["nodes"]


def stand_in(parent: Path, patch: pytest.MonkeyPatch) -> Fake:
    directory = parent / "engine"
    directory.mkdir()
    patch.setenv("FAKE_ENGINE", str(directory))
    for name in ("KIND_EXPERIMENTAL_PROVIDER", "DOCKER_HOST", "CONTAINER_HOST"):
        patch.delenv(name, raising=False)
    return Fake(directory)


def as_docker(fake: Fake, kind: Path, patch: pytest.MonkeyPatch) -> Fake:
    path = fake.install("docker")
    kubectl = programs.find_kubectl()
    if kubectl is None:
        pytest.skip("no kubectl before the set-up")
    patch.setenv("PATH", f"{path}:{kind.parent}:{kubectl}:{os.environ['PATH']}")
    return fake


@contextlib.contextmanager
def learners_home(home: Path, patch: pytest.MonkeyPatch):
    """Have a home that is afterwards as it was before."""
    # The cache is in the home that this process has.
    patch.setenv("LAB_CACHE_DIR", str(paths.cache_dir()))
    (home / ".kube").mkdir(parents=True)
    (home / ".kube" / "config").write_text("current-context: production\n")
    (home / "other").write_text("current-context: staging\n")
    patch.setenv("HOME", str(home))
    patch.setenv("KUBECONFIG", str(home / "other"))
    before = files(home)
    yield home
    assert files(home) == before


def files(home: Path) -> dict[str, str]:
    """Return what is in the home, but for what kubectl keeps of any cluster's API."""
    return {
        str(path.relative_to(home)): path.read_text()
        for path in home.rglob("*")
        if path.is_file() and home / ".kube" / "cache" not in path.parents
    }


@contextlib.contextmanager
def beside_the_learners(docker: Fake, state: Path):
    """Have a cluster of the learner's, which is afterwards as it was before."""
    with (docker.directory / "state.json").open("w") as file:
        json.dump({"nodes": {"kind-control-plane": LEARNERS}, "images": {}}, file)
    yield Kind(state)
    assert docker.nodes["kind-control-plane"] == LEARNERS
