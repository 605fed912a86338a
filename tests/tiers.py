"""Choose what a run proves; fail if it was slow, or skipped too much.

A plugin of the root conftest.py, for `make quick`, `make test` and `make full`.
"""

import os
import time
from collections import Counter
from dataclasses import dataclass, field

import pytest

from tests import skips
from tests.workers import group

MARKERS = (
    "full(reason): what a change to a lesson or a helper hardly breaks; `make full`",
    "covered(by): left out of `make full`, where another test proves this and more",
)
#: what takes more than Python: a cluster, API servers, programs, a browser
HEAVY_FIXTURES = {"cluster", "mine", "production", "one_lab", "kind", "browser"}
HEAVY = (
    "tests/cluster/controlplane/test_controlplane.py",
    "tests/cluster/kind/test_kind.py",
    "tests/cluster/image/test_images.py",
    "tests/cluster/whole/",
    "tests/machines/",
    "tests/walls/",
    "tests/cluster/test_bad_input.py",
    "tests/cluster/cli/test_cli.py",
    "tests/helpers/test_watch.py",
    "tests/helpers/widgets/test_views_",
)
#: how many groups the table at the end has
SLOWEST = 10


@dataclass
class Run:
    """What is noted while the tests run.

    `seconds` are those of each group, `skipped` counts by reason. `load` is that at the
    start.
    """

    cores: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))
    load: float = field(default_factory=lambda: os.getloadavg()[0])
    began: float = field(default_factory=time.monotonic)
    seconds: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)

    @property
    def minutes(self) -> float:
        """Return how long the run has taken so far."""
        return (time.monotonic() - self.began) / 60

    def too_slow(self, budget: float, workers: int) -> list[str]:
        """Return why it took too long for a machine that had nothing else to do.

        The budget is that of two workers; a single one gets twice as long.
        """
        allowed = budget * 1.5 * (1 if workers > 1 else 2)
        if self.load >= self.cores or self.minutes <= allowed:
            return []
        return [f"{self.minutes:.1f} minutes, and the budget is {budget:g}"]

    def unexpected_skips(self) -> list[str]:
        """Return the skips that hide something on this machine."""
        return [
            f"{count} skipped, which tests/skips.py does not expect here: {reason}"
            for reason, count in self.skipped.items()
            if not skips.expected(reason)
        ]


RUN = pytest.StashKey[Run]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that the Makefile gives."""
    ours = parser.getgroup("tiers")
    ours.addoption("--quick", action="store_true", help="only what needs no cluster")
    ours.addoption(
        "--budget", type=float, metavar="MINUTES", help="fail above half as much again"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and begin to count."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    run = config.stash[RUN] = Run()
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Listener(run))


class Listener:
    """Note how long each group takes and why tests are skipped."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note one phase of one test."""
        self.run.seconds[group(report.nodeid)] += report.duration
        if report.skipped and not hasattr(report, "wasxfail"):
            reason = report.longrepr[2].removeprefix("Skipped: ")
            self.run.skipped[reason] += 1


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Leave out what needs a cluster, if that is asked for."""
    if config.getoption("quick"):
        heavy = {item for item in items if _is_heavy(item)}
        config.hook.pytest_deselected(items=[*heavy])
        items[:] = [item for item in items if item not in heavy]


def _is_heavy(item: pytest.Item) -> bool:
    return (
        item.path.suffix == ".ipynb"
        or item.nodeid.startswith(HEAVY)
        or not HEAVY_FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))
    )


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Judge the run where it is whole."""
    worker = hasattr(session.config, "workerinput")
    if worker or session.exitstatus != pytest.ExitCode.OK:
        return
    if _faults(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _faults(config: pytest.Config) -> list[str]:
    """Return why a run fails although its tests passed."""
    run, budget = config.stash[RUN], config.getoption("budget")
    if not budget:  # not one of the Makefile's words
        return []
    hidden = run.unexpected_skips() if os.environ.get("CI") else []
    return [*run.too_slow(budget, _workers(config)), *hidden]


def _workers(config: pytest.Config) -> int:
    return getattr(config.option, "numprocesses", None) or 1


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    """Show the slowest groups, and why a run fails whose tests passed."""
    write, run = terminalreporter.write_line, config.stash[RUN]
    if len(run.seconds) > 1:
        terminalreporter.section("slowest groups")
        for name, seconds in run.seconds.most_common(SLOWEST):
            write(f"{seconds / 60:6.1f} min  {name.removesuffix('/')}")
        write(
            f"{run.seconds.total() / 60:6.1f} min  in all; {run.minutes:.1f} by the "
            f"clock, workers: {_workers(config)}, cores: {run.cores}, "
            f"load at the start: {run.load:.1f}"
        )
    for fault in _faults(config):
        write(f"FAILED {fault}", red=True)
