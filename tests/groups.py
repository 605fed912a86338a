"""Group tests, and begin with the groups that take longest.

A plugin of the root conftest.py. A group is what one worker runs, in order: the tests
of a file, or of files that share something. `durations.txt` has the seconds of each
group; `make full PYTEST_ARGS=--write-durations` writes it anew.
"""

from collections import Counter
from pathlib import Path

import pytest

DURATIONS = Path(__file__).with_name("durations.txt")
HEADER = """\
# Seconds of each group of tests in `make full`, the longest first: the order in which
# groups begin. `make full PYTEST_ARGS=--write-durations` writes this file.
"""
#: files whose tests share what one of them makes: a group each
SHARED = {
    # The site, built once from lessons that would otherwise run once more.
    "the site": (
        "tests/browser/test_site.py",
        "tests/browser/test_search.py",
        "tests/browser/test_firefox.py",
    ),
    # This machine's one container engine.
    "the engine": (
        "cluster/tests/kind/",
        "cluster/tests/image/test_engine.py",
        "tests/project/test_image.py",
    ),
}
#: a directory whose tests share a machine, API servers or a browser is a group
TOGETHER = (
    "cluster/tests/controlplane/",
    "cluster/tests/existing/",
    "cluster/tests/machines/",
    "cluster/tests/usermode/",
    "cluster/tests/walls/",
    "cluster/tests/whole/",
)
#: each test of these files is a group
APART = (
    "cluster/tests/existing/test_chapter.py",
    "cluster/tests/walls/test_usermode.py",
    "tests/helpers/exercises/checks/test_answers.py",
    "tests/lessons/test_lessons.py",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that writes the file of seconds."""
    what = f"write the seconds of each group that ran into tests/{DURATIONS.name}"
    parser.addoption("--write-durations", action="store_true", help=what)


def group(nodeid: str) -> str:
    """Return the group of a test: what one worker runs, in order."""
    path = nodeid.partition("::")[0]
    for name, paths in SHARED.items():
        if path.startswith(paths):
            return name
    if path in APART:
        return nodeid
    return next((name for name in TOGETHER if path.startswith(name)), path)


def read_durations(text: str) -> dict[str, float]:
    """Return the seconds by group."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    pairs = (line.split(maxsplit=1) for line in lines)
    return {name: float(seconds) for seconds, name in pairs}


def written_durations(seconds: dict[str, float]) -> str:
    """Return the text of the file, the longest group first."""
    rows = sorted(seconds.items(), key=lambda row: (-row[1], row[0]))
    return HEADER + "".join(f"{value:7.1f}  {name}\n" for name, value in rows)


def rank(name: str, seconds: dict[str, float], is_heavy: bool) -> tuple[float, str]:
    """Return a key to sort groups by: new heavy ones, the longest, new quick ones."""
    new = float("inf") if is_heavy else 0.0
    return -seconds.get(name, new), name


# After tests/tiers.py has marked what is heavy.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest groups first."""
    heavy = {group(one.nodeid) for one in items if one.get_closest_marker("heavy")}
    seconds = read_durations(DURATIONS.read_text("utf-8"))
    ranks = {
        name: rank(name, seconds, name in heavy)
        for name in {group(item.nodeid) for item in items}
    }
    items.sort(key=lambda item: ranks[group(item.nodeid)])


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


SECONDS: Counter[str] = Counter()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add the seconds of a test, its setup or its teardown to those of its group."""
    SECONDS[group(report.nodeid)] += report.duration


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what this run has measured, and keep what it has not run."""
    if hasattr(session.config, "workerinput"):
        return
    if session.config.getoption("write_durations"):
        known = read_durations(DURATIONS.read_text("utf-8"))
        DURATIONS.write_text(written_durations(known | SECONDS), "utf-8")
