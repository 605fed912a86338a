import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster import programs
from cluster.programs import golang
from cluster.progress import Silent
from cluster.tests.programs import gobox


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave all that has to compile Go's runtime first to `make full`."""
    for item in items:
        if "compiled" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.full("builds from source"))


@dataclass(frozen=True)
class Compiled:
    """Go's runtime, compiled once, and the small program that came of it."""

    path: Path
    go: golang.Go
    program: Path

    def set_in(self, patch: pytest.MonkeyPatch, cache: Path) -> None:
        """Have builds go into `cache`, as far as `patch` lasts."""
        # Go may come from the cache, and each test has a cache of its own.
        patch.setenv("PATH", f"{self.go.path.parent}:{os.environ['PATH']}")
        patch.setenv("LAB_CACHE_DIR", str(cache))
        patch.setenv("LAB_KEEP_BUILD_CACHE", "1")
        patch.delenv("LAB_ASSETS", raising=False)


@pytest.fixture(scope="package")
def compiled(tmp_path_factory) -> Compiled:
    go = golang.find()
    if go is None:
        pytest.skip("no Go on PATH or in the cache, where a build puts one")
    folder = tmp_path_factory.mktemp("compiled")
    gobox.write(folder / "source")
    recipe = gobox.recipe(folder / "source")
    cache = folder / "cache"
    program = cache / "bin" / recipe.key() / "hi"
    compiled = Compiled(cache / "build" / "compiled", go, program)
    # Not for longer: other tests want the real programs.
    with pytest.MonkeyPatch.context() as patch:
        compiled.set_in(patch, cache)
        programs.ensure(Silent(), recipe)
    return compiled


@pytest.fixture
def cache(compiled, tmp_path, monkeypatch) -> Path:
    """A cache of this test's own, with Go's runtime compiled already."""
    cache = tmp_path / "cache"
    copy = cache / "build" / "compiled"
    shutil.copytree(compiled.path, copy, copy_function=os.link)
    compiled.set_in(monkeypatch, cache)
    return cache


@pytest.fixture
def source(tmp_path) -> Path:
    """The directory of a lock for one small program."""
    gobox.write(tmp_path / "source")
    return tmp_path / "source"
