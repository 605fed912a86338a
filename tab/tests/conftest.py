"""Go for the sources of this folder, others like them, and the cluster's programs."""

import subprocess
from pathlib import Path

import pytest

from cluster import programs
from cluster.programs import golang
from tab import edits
from tests.notebooks import ROOT

SOURCES = ROOT / "tab" / "go"


@pytest.fixture
def sources(tmp_path) -> Path:
    """Return a directory in which every edit of Kubernetes applies."""
    texts = {name: "\n".join(found) for name, found in edits.EDITS.items()}
    for name, other in edits.SAME.items():
        texts[str(Path(name).with_name(other))] = "package other"
    for name, text in texts.items():
        file = tmp_path / "vendor" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


@pytest.fixture(scope="session")
def compiler():
    """Return how to run Go on the sources."""
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

    return run


@pytest.fixture(scope="session")
def go(compiler):
    """Return the same, if Go has the sources that these import, or can fetch them."""
    fetched = compiler("list", "-deps", "-test", "./etcd")
    if "dial tcp" in fetched.stderr or "proxyconnect" in fetched.stderr:
        pytest.skip("Go's module proxy does not answer")
    assert fetched.returncode == 0, fetched.stderr
    return compiler


@pytest.fixture(scope="session")
def genuine() -> Path:
    """Return the directory of the cluster's programs."""
    found = programs.find()
    assert found, "there are no programs yet. Run: make setup"
    return found
