"""Spread the tests over workers: in groups that share something, the longest first.

A plugin of the root conftest.py. `pytest -n auto` has as many workers as cores and
memory allow; without it, and with `-n 0`, all run here, one after the other.
"""

import os
from pathlib import Path

import psutil
import pytest

from cluster import backends

#: a directory whose tests share a machine, API servers or a browser is one group,
#: and so is any other file
TOGETHER = (
    "tests/browser/",
    "tests/cluster/controlplane/",
    "tests/cluster/kind/",
    "tests/cluster/whole/",
    "tests/machines/",
    "tests/cluster/existing/",
    "tests/cluster/usermode/",
    "tests/walls/",
)
#: of these files each test is one: a notebook that is run whole
APART = ("tests/lessons/test_lessons.py",)
#: the groups that take minutes, the longest first; short ones fill the gaps at the end
LONGEST = ("tests/machines/", "tests/browser/", "tests/lessons/test_lessons.py")
#: backends of which there is one
ALONE = ("kind", "existing")
#: bytes for a cluster, its notebooks' kernels, and a JupyterLab with its browser
MEMORY = 3e9
#: instances of inotify for a worker's cluster, and for one that a test starts beside it
INSTANCES = 2 * 24
LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")


def group(nodeid: str) -> str:
    """Return the group of a test: what one worker runs, in order."""
    path = nodeid.partition("::")[0]
    if path in APART:
        return nodeid
    return next((name for name in TOGETHER if path.startswith(name)), path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the groups in the order in which workers take them."""
    ranks = {name: rank for rank, name in enumerate(LONGEST)}

    def rank(item: pytest.Item) -> int:
        name = group(item.nodeid)
        return ranks.get(name, ranks.get(name.partition("::")[0], len(ranks)))

    items.sort(key=rank)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return how many workers this machine has room for; 0 is no worker but this one.

    A cluster that was named is there once, and on kind's one engine clusters meet.
    """
    alone = {backends.Here().asked, backends.chosen().backend} & {*ALONE}
    if "LAB_STATE_DIR" in os.environ or alone:
        return 0
    room = int(psutil.virtual_memory().available / MEMORY)
    watched = int(LIMIT.read_text()) // INSTANCES
    workers = min(len(os.sched_getaffinity(0)), room, watched)
    return workers if workers > 1 else 0


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """Hand out whole groups, in the order of the collection."""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid)

    config.option.loadscopereorder = False
    return Groups(config, log)
