"""Go for the sources of this folder, and the programs of the cluster beside them."""

import subprocess
from pathlib import Path

import pytest

from cluster import programs
from cluster.programs import golang
from tests.notebooks import ROOT

SOURCES = ROOT / "tab" / "go"


@pytest.fixture(scope="session")
def go():
    """Return how to run Go on the sources, if it has theirs or can fetch them."""
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

    fetched = run("list", "-deps", "-test", "./etcd")
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
