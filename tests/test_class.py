"""A class: what a teacher has prepared, and how a learner without rights starts there.

The steps are those of docs/teaching.md. The hub's environment is not the one in which
the image was made, so the versions of some of its packages are others.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from helpers.local import image_cache
from helpers.local.backend import Local
from helpers.progress import Silent
from tests import unprivileged

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can become another user"
)
HELPERS = (sys.executable, "-m", "helpers")


@pytest.fixture(scope="module")
def cache():
    """Return the cache of a class, which only root can write."""
    binaries, archive = Local().setup(Silent())
    with tempfile.TemporaryDirectory(prefix="class-") as directory:
        cache = Path(directory)
        entry = cache / "bin" / binaries.name
        entry.parent.mkdir()
        entry.symlink_to(binaries)
        (cache / "images").mkdir()
        same_but_for_the_client = f"{archive.stem.partition('-')[0]}-{'0' * 16}.tar"
        shutil.copy(archive, cache / "images" / same_but_for_the_client)
        subprocess.run(["chmod", "-R", "a+rX,go-w", cache], check=True)
        yield cache


@pytest.fixture(scope="module")
def learner(cache):
    """Return a function that runs a command as a learner; end the cluster."""

    def run(*command: str):
        return unprivileged.run(
            [*HELPERS, *command],
            home,
            show=[
                (cache / "bin" / name).resolve() for name in os.listdir(cache / "bin")
            ],
            environment={"LAB_BACKEND": "local", "LAB_CACHE_DIR": str(cache)},
        )

    with tempfile.TemporaryDirectory(prefix="home-") as directory:
        os.chown(directory, unprivileged.UID, unprivileged.UID)
        home = Path(directory)
        try:
            yield run
        finally:
            run("delete", "--yes")


def before_and_after(cache):
    return sorted((path, path.lstat().st_mtime_ns) for path in cache.rglob("*"))


def test_a_learner_starts_a_cluster_from_it_and_changes_nothing(learner, cache):
    before = before_and_after(cache)
    done = learner("up")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(image_cache.NEAR) == 1
    done = learner("images", "list")
    assert done.returncode == 0 and "toolbox:1" in done.stdout, done.stdout
    assert before_and_after(cache) == before


def test_the_doctor_finds_all_that_is_needed_there(learner, cache):
    done = learner("doctor")
    assert done.returncode == 0, done.stdout
    said = " ".join(done.stdout.split())
    assert f"{cache}, read-only; all that is needed is there" in said
    assert image_cache.NEAR in said


def test_without_an_image_the_doctor_says_that_none_can_be_made(learner, cache):
    [image] = (cache / "images").glob("*.tar")
    image.rename(aside := image.with_suffix(".aside"))
    try:
        done = learner("doctor")
    finally:
        aside.rename(image)
    assert done.returncode != 0
    assert f"{cache} is not writable" in " ".join(done.stdout.split())
