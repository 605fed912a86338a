"""Choose what a run proves, and fail if it was slow, or skipped too much.

A plugin of the root conftest.py, for the words of the Makefile that run tests.
"""

import os
import statistics
import time
import timeit
from collections import Counter
from pathlib import Path

import psutil
import pytest
from _pytest.mark.expression import Expression

from cluster import backends
from tests import skips

#: the words of make that prove what `make test` leaves out, and what each of them asks;
#: a marker of this name, with the reason, gives a test to the word
WORDS = {
    "full": "what a change hardly breaks",
    "machines": "what runs where others run it: kind, a hub, the image, other systems",
    "follow": "what can change only with a version of Kubernetes or of a program",
}
MARKERS = (
    *(f"{word}(reason): {asked}; `make {word}`" for word, asked in WORDS.items()),
    "covered(by): left out of `make full`, where another test proves this and more",
    "heavy: what takes more than Python; left out of `make quick`",
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
#: backends that are there once
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


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Name what this run leaves out."""
    return [
        f"left out: {asked} (`make {word}`)"
        for word, asked in WORDS.items()
        if leaves_out(config.option.markexpr, word)
    ]


def leaves_out(expression: str, word: str) -> bool:
    """Return whether a test that has the marker `word` alone is deselected."""
    if not expression:
        return False
    parsed = Expression.compile(expression)
    return not parsed.evaluate(lambda name, **_: name in (word, "heavy"))


# Before pytest reads the markers, and groups are sorted.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is heavy."""
    for item in items:
        if _is_heavy(item):
            item.add_marker("heavy")


def _is_heavy(item: pytest.Item) -> bool:
    return (
        item.path.suffix == ".ipynb"
        or item.nodeid.startswith(HEAVY)
        or not HEAVY_FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))
    )


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
