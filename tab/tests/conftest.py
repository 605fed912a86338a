"""Go for the sources of this folder, others like them, and the cluster's programs."""

import subprocess
from pathlib import Path

import pytest

from cluster import programs, versions
from cluster.programs import golang
from tab import edits
from tests.notebooks import ROOT

SOURCES = ROOT / "tab" / "go"
EDITS = edits.edits_for(versions.KUBERNETES)


@pytest.fixture
def places(tmp_path) -> tuple[Path, Path, Path]:
    """Return sources and a library in which every edit applies, and an empty place."""
    names = ("sources", "golang/src", "changed")
    sources, library, changed = (tmp_path / name for name in names)
    files = {name: "\n".join(texts) for name, texts in EDITS.items()}
    for name, other in edits.SAME.items():
        files[str(Path(name).with_name(other))] = "package other"
    for name, text in files.items():
        root = library if edits.is_library(name) else sources / "vendor"
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    changed.mkdir()
    return sources, library, changed


@pytest.fixture(scope="session")
def go():
    """Return how to run Go on the sources, if it has or can fetch what they import."""
    found = golang.find()
    if found is None:
        pytest.skip("no Go here")

    def run(*words: str, **settings: str) -> subprocess.CompletedProcess:
        modules = {"GOMODCACHE": str(found.module_cache), "CGO_ENABLED": "0"}
        return subprocess.run(
            [found.path, *words],
            cwd=SOURCES,
            env=golang.environment() | modules | settings,
            capture_output=True,
            text=True,
        )

    fetched = run("list", "-deps", "-test", "./etcd", "./node", "./programs")
    if "dial tcp" in fetched.stderr or "proxyconnect" in fetched.stderr:
        pytest.skip("Go's module proxy does not answer")
    assert fetched.returncode == 0, fetched.stderr
    return run


@pytest.fixture(scope="session")
def genuine() -> Path:
    """Return the directory of the cluster's programs."""
    found = programs.find()
    assert found, "there are no programs yet. Run: make setup"
    return found
