"""Choose what a run proves, and which worker does; fail if it was slow, or skipped.

A plugin of the root conftest.py, for `make quick`, `make test`, `make full` and
`make machines`.
"""

import os
import statistics
import time
import timeit
from collections import Counter
from pathlib import Path

import psutil
import pytest

from cluster import backends
from tests import skips

MARKERS = (
    "full(reason): what a change to a lesson or a helper hardly breaks; `make full`",
    "covered(by): left out of `make full`, where another test proves this and more",
    "heavy: what takes more than Python; left out of `make quick`",
    "machines(reason): left out of `make full`, too; `make machines`",
)
#: a cluster, API servers, programs, a browser
HEAVY_FIXTURES = {*"cluster mine production older one_lab kind browser".split()}
HEAVY = (
    "cluster/tests/controlplane/test_controlplane.py",
    "cluster/tests/image/test_images.py",
    "cluster/tests/whole/",
    "cluster/tests/machines/",
    "cluster/tests/walls/",
    "cluster/tests/test_bad_input.py",
    "cluster/tests/cli/test_cli.py",
    "tests/helpers/api/test_watch.py",
    "tests/helpers/exercises/test_grants.py",
    "tests/helpers/views/widgets/test_widgets.py",
    "tab/tests/",
)
#: are of one site, which is built once
SITE = tuple(f"tests/browser/test_{name}.py" for name in ("site", "firefox"))
#: show the lessons as they ran, and would run those that have not
SHOWN = ("tests/browser/test_written_pages.py", *SITE)
#: a directory whose tests share a machine, API servers or a browser is one group
TOGETHER = (
    *SHOWN,
    "tests/browser/",
    "cluster/tests/controlplane/",
    "cluster/tests/whole/",
    "cluster/tests/machines/",
    "cluster/tests/existing/",
    "cluster/tests/usermode/",
    "cluster/tests/walls/",
)
#: tests that use this machine's one container engine: a group, too
ENGINE = (
    "cluster/tests/kind/",
    "cluster/tests/image/test_engine.py",
    "tests/project/test_image.py",
    "tests/project/test_hub.py",
)
#: each test, of a lesson or of all, is a group; of any other file all are one
APART = (
    "cluster/tests/existing/test_chapter.py",
    "tests/lessons/test_lessons.py",
    "tests/helpers/exercises/checks/test_answers.py",
)
#: the groups that take minutes, the longest first; short ones fill the gaps at the end
LONGEST = (
    "cluster/tests/kind/",
    "cluster/tests/machines/",
    "cluster/tests/existing/test_chapter.py",
    "tests/browser/",
    "cluster/tests/existing/",
    "cluster/tests/test_unprivileged.py",
    "cluster/tests/usermode/",
    "cluster/tests/walls/",
    *APART[1:],
    *SHOWN,
)
#: backends of which there is one
ALONE = ("kind", "existing")
#: bytes for a cluster, its notebooks' kernels, and a JupyterLab with its browser
MEMORY = 3e9
#: instances of inotify for a worker's cluster, and for one that a test starts beside it
INSTANCES = 2 * 24
LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
#: what a processor is measured by, and its seconds where budgets are from: there the
#: API server of `benchmarks/start.py` serves after 1.4 s
WORK, USUAL = "names = {}\nfor i in range(300_000): names[str(i % 999)] = i", 0.04
BEGAN = time.monotonic()
FAULTS = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the Makefile and of the workflows."""
    what = "fail above half as much again"
    parser.addoption("--budget", type=float, metavar="MINUTES", help=what)
    what = "fail if anything is skipped: without a pod, a lesson would prove nothing"
    parser.addoption("--no-skips", action="store_true", help=what)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)


# Before pytest reads the markers.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is heavy, and put the longest groups first."""
    heavy = set()
    for item in items:
        if _is_heavy(item):
            item.add_marker("heavy")
            heavy.add(group(item.nodeid))
    items.sort(key=lambda item: rank(item.nodeid, heavy))


def _is_heavy(item: pytest.Item) -> bool:
    return (
        item.path.suffix == ".ipynb"
        or item.nodeid.startswith(HEAVY)
        or not HEAVY_FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))
    )


def rank(nodeid: str, heavy: set[str]) -> int:
    """Return the place of a test's group: the longest, other heavy ones, the rest."""
    names = [name for name in LONGEST if nodeid.startswith(name)]
    if names:
        return LONGEST.index(max(names, key=len))
    return len(LONGEST) + (group(nodeid) not in heavy)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return how many workers this machine has room for; 0 is no worker but this one.

    Two more than there are cores: half of its time a test waits for the cluster.
    A cluster that was named is there once, and on kind's one engine clusters meet.
    """
    alone = {backends.MachineFacts().asked, backends.machine_choice().backend} & {
        *ALONE
    }
    if "LAB_STATE_DIR" in os.environ or alone:
        return 0
    room = int(psutil.virtual_memory().available / MEMORY)
    watched = int(LIMIT.read_text()) // INSTANCES
    workers = min(len(os.sched_getaffinity(0)) + 2, room, watched)
    return workers if workers > 1 else 0


def group(nodeid: str) -> str:
    """Return the group of a test: what one worker runs, in order."""
    path = nodeid.partition("::")[0]
    for several in (ENGINE, SITE):
        if path.startswith(several):
            return several[0]
    if path in APART:
        return nodeid
    return next((name for name in TOGETHER if path.startswith(name)), path)


# Not by `--dist loadgroup`: with pytest 9.2, xdist 3.8 takes no notice of the marker.
@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """Hand out whole groups, in the order of the collection."""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid)

    config.option.loadscopereorder = False
    return Groups(config, log)


def slowness() -> float:
    """Return how many times as long as usual this machine's processor takes, from 1."""
    return max(1.0, statistics.median(timeit.repeat(WORK, number=1, repeat=9)) / USUAL)


def too_slow(minutes: float, budget: float, workers: int, load: float) -> list[str]:
    """Return why a run took too long for a machine that had nothing else to do.

    The budget is that of two workers; a single one gets twice as long.
    """
    allowed = budget * 1.5 * (1 if workers > 1 else 2)
    if load >= len(os.sched_getaffinity(0)) or minutes <= allowed:
        return []
    return [f"{minutes:.1f} minutes, and the budget here is {budget:.3g}"]


def hidden(reasons: list[str]) -> list[str]:
    """Return the skips that hide something on this machine."""
    return [
        f"{count} skipped, which tests/skips.py does not expect here: {reason}"
        for reason, count in Counter(reasons).items()
        if not skips.expected(reason)
    ]


def all_skips(reasons: list[str]) -> list[str]:
    """Return all skips, for a run that may have none."""
    return [f"{count} skipped: {reason}" for reason, count in Counter(reasons).items()]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Judge a run that is whole: it may fail after all."""
    config = session.config
    if hasattr(config, "workerinput") or session.exitstatus != pytest.ExitCode.OK:
        return
    faults = []
    if budget := config.getoption("budget"):
        workers = getattr(config.option, "numprocesses", None) or 1
        load = float(os.environ["LAB_TESTS_LOAD"])
        minutes = (time.monotonic() - BEGAN) / 60
        faults += too_slow(minutes, budget * slowness(), workers, load)
    if config.getoption("no_skips"):
        faults += all_skips(_reasons(config))
    elif budget and os.environ.get("CI"):
        faults += hidden(_reasons(config))
    config.stash[FAULTS] = faults
    if faults:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _reasons(config: pytest.Config) -> list[str]:
    """Return the reason of each skip of this run."""
    stats = config.pluginmanager.get_plugin("terminalreporter").stats
    reasons = [report.longrepr[2] for report in stats.get("skipped", ())]
    return [reason.removeprefix("Skipped: ") for reason in reasons]


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    """Say why a run fails whose tests passed."""
    for fault in config.stash.get(FAULTS, []):
        terminalreporter.write_line(f"FAILED {fault}", red=True)
