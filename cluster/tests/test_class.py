"""A class: what a teacher has prepared, and how a learner without rights starts there.

The steps are those of docs/teaching.md. The hub's environment is not the one in which
the image was made, so the versions of some of its packages are others.
"""

import asyncio
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from cluster.image import find as image_find
from cluster.local.backend import Local
from cluster.progress import Silent
from cluster.tests import unprivileged
from cluster.tests.commandline import ROOT

pytestmark = [
    pytest.mark.full("root only"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user"),
]
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
        theirs = cache / "images" / same_but_for_the_client
        shutil.copy(archive, theirs)
        # The teacher's own clusters begin with it, a learner's cannot: the files are
        # somebody else's.
        shutil.copytree(
            image_find.store_of(archive), image_find.store_of(theirs), symlinks=True
        )
        # As docs/teaching.md says.
        words = "-name *.store -prune -o ! -type l -exec chmod a+rX,go-w {} +"
        subprocess.run(["find", cache, *words.split()], check=True)
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
        run.home = home = Path(directory)
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
    assert done.stdout.count(image_find.DIFFERENCE) == 1
    done = learner("images", "list")
    assert done.returncode == 0 and "toolbox:1" in done.stdout, done.stdout
    logs = learner.home / ".local/state/kubernetes-api-notebooks"
    assert len([*logs.rglob("image-import.log")]) == 1
    assert before_and_after(cache) == before


def test_the_doctor_finds_all_that_is_needed_there(learner, cache):
    done = learner("doctor")
    assert done.returncode == 0, done.stdout
    said = " ".join(done.stdout.split())
    assert f"{cache}, read-only; all that is needed is there" in said
    assert image_find.DIFFERENCE in said


def test_it_outlives_whoever_started_it_and_the_hook_of_the_hub_ends_it(learner):
    """The cluster goes on when the learner's server has ended."""
    assert learner("up").returncode == 0
    assert learner("status").returncode == 0
    [hook] = re.findall(
        r"```python\n(import asyncio.*?)```",
        (ROOT / "docs/teaching.md").read_text(),
        re.DOTALL,
    )
    code = compile(hook, "docs/teaching.md", "exec")
    spawner = SimpleNamespace(
        user=SimpleNamespace(name="ann"),
        environment={"LAB_BACKEND": "local", "LAB_CACHE_DIR": "/srv/lab-cache"},
    )
    account = SimpleNamespace(pw_uid=1000, pw_gid=1000, pw_dir=str(learner.home))
    done = []

    async def run(*command, user, group, extra_groups, cwd, env):
        """Be the system's, and let the user read our Python, which may be in /root."""
        assert (user, group, extra_groups, cwd) == (1000, 1000, [], account.pw_dir)
        assert env["HOME"] == cwd and spawner.environment.items() <= env.items()
        done.append(learner(*command[3:]))
        assert command[1:3] == ("-m", "helpers")
        return SimpleNamespace(wait=functools.partial(asyncio.sleep, 0))

    hub, spawners = SimpleNamespace(), SimpleNamespace()
    names = {"c": SimpleNamespace(JupyterHub=hub, Spawner=spawners)}
    exec(code, names)
    names["pwd"] = SimpleNamespace(getpwnam=lambda name: account)
    names["asyncio"] = SimpleNamespace(create_subprocess_exec=run)
    asyncio.run(spawners.post_stop_hook(spawner))
    assert [each.returncode for each in done] == [0], done
    assert learner("status").returncode == 3
