import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from helpers import errors
from helpers.kind import programs
from helpers.local import toolchain
from helpers.local.recipe import KIND
from helpers.progress import Silent
from tests.kind import fake_engine


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

    @property
    def nodes(self) -> dict[str, dict]:
        return self.state()["nodes"]


@pytest.fixture(scope="package")
def kind() -> Path:
    """The genuine kind: from the cache, from its release, or built from its module."""
    try:
        return toolchain.ensure(Silent(), KIND) / "kind"
    except (errors.DownloadFailed, errors.MissingTool) as error:
        pytest.skip(f"no kind to be had: {error.fact.splitlines()[0]}")


@pytest.fixture
def fake(tmp_path, monkeypatch) -> Fake:
    """A stand-in that no program is made of yet."""
    directory = tmp_path / "engine"
    directory.mkdir()
    monkeypatch.setenv("FAKE_ENGINE", str(directory))
    for name in ("KIND_EXPERIMENTAL_PROVIDER", "DOCKER_HOST", "CONTAINER_HOST"):
        monkeypatch.delenv(name, raising=False)
    return Fake(directory)


@pytest.fixture
def docker(fake, kind, monkeypatch) -> Fake:
    """A machine where `docker` answers, kind and kubectl are there, and a home."""
    path = fake.install("docker")
    kubectl = programs.find_kubectl()
    if kubectl is None:
        pytest.skip("no kubectl before the set-up")
    monkeypatch.setenv("PATH", f"{path}:{kind.parent}:{kubectl}:{os.environ['PATH']}")
    return fake
