import os
import shutil
from pathlib import Path

import pytest

from helpers.local import golang, toolchain
from helpers.progress import Silent
from tests.local import gobox


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """A cache that holds Go's runtime, compiled once: half of a test's time."""
    go = golang.find(gobox.MINIMUM)
    if go is None:
        pytest.skip("no Go on PATH or in the cache, where a build puts one")
    folder = tmp_path_factory.mktemp("compiled")
    gobox.write(folder / "source")
    with pytest.MonkeyPatch.context() as patch:
        # It may be the one of the cache, which a test changes.
        patch.setenv("PATH", str(go.path.parent), prepend=os.pathsep)
        patch.setenv("GOFLAGS", gobox.intercept(folder))
        patch.setenv("LAB_CACHE_DIR", str(folder / "cache"))
        patch.setenv("LAB_KEEP_BUILD_CACHE", "1")
        # Read by each test that asks for `cache`, too.
        patch.delenv("LAB_ASSETS", raising=False)
        toolchain.ensure(Silent(), gobox.recipe(folder / "source"))
        yield folder / "cache" / "build" / "compiled"


@pytest.fixture
def cache(compiled, tmp_path, monkeypatch):
    """A cache of this test's own, with Go's runtime compiled already."""
    cache = tmp_path / "cache"
    shutil.copytree(compiled, cache / "build" / "compiled", copy_function=os.link)
    monkeypatch.setenv("LAB_CACHE_DIR", str(cache))
    monkeypatch.setenv("LAB_KEEP_BUILD_CACHE", "1")
    monkeypatch.delenv("LAB_ASSETS", raising=False)
    return cache


@pytest.fixture
def source(tmp_path) -> Path:
    """The directory of a lock for one small program."""
    gobox.write(tmp_path / "source")
    return tmp_path / "source"
