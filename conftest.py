"""Give these tests a cluster, when the first of them needs it; one for each worker.

In the root and not in tests/: there it would not be loaded for `pytest notebooks`,
and notebook cells see no fixtures, only the environment that is set here.
"""

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import pytest

from cluster import backends
from helpers.course.attempts import SETTING

# The last one is called first: cells get their proofs, then markers, then an order.
pytest_plugins = [
    # pytest finds it by itself where this checkout was installed.
    "helpers.pytest_plugin",
    "cluster.tests.fixtures",
    "tests.groups",
    "tests.tiers",
    "tests.lessoncells",
]

#: left out by `pytest notebooks`: the same cells, in another language
collect_ignore = ["notebooks/ko"]

_OURS = pytest.StashKey[tempfile.TemporaryDirectory]()
_CHOSEN = pytest.StashKey[str]()
_NOT_BUILT = "not built, so its tests are skipped. Run: .venv/bin/python -m tab.build"


def pytest_sessionstart(session: pytest.Session) -> None:
    """Choose the state directory before anything reads it: never the learner's."""
    # A shell starts background jobs deaf to SIGINT, `nohup` any to SIGHUP, and all that
    # we start would be so, too: the tests of Ctrl-C and of closed terminals need ears.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    # So that clusters are removed then, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    worker = getattr(session.config, "workerinput", None)
    if worker:
        shared = Path(os.environ["LAB_TESTS_SHARED"])
        os.environ["LAB_STATE_DIR"] = str(shared.parent / worker["workerid"])
        return
    ours = tempfile.TemporaryDirectory(prefix="lab-", ignore_cleanup_errors=True)
    session.config.stash[_OURS] = ours
    # Nothing comes from a release, wherever this checkout is from.
    os.environ["LAB_BUNDLE"] = "none"
    # Cells that run here are no learner's answers.
    os.environ[SETTING] = "off"
    # Before the tests themselves are the load: slowness.py asks in each worker.
    os.environ["LAB_TESTS_LOAD"] = str(os.getloadavg()[0])
    # A worker puts executed notebooks here, for the others.
    os.environ["LAB_TESTS_SHARED"] = str(Path(ours.name, "shared"))
    os.environ.setdefault("LAB_STATE_DIR", str(Path(ours.name, "state")))
    chosen = backends.machine_choice()
    session.config.stash[_CHOSEN] = f"{chosen.backend}, because {chosen.reason}"
    if chosen.backend != backends.NONE:
        # So that all that is started from here has the same one.
        os.environ["LAB_BACKEND"] = chosen.backend


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say which cluster the tests will have, and why; and what is not built."""
    from tests.skips import browser_server

    if _CHOSEN not in config.stash:
        return []
    return [
        f"cluster: {config.stash[_CHOSEN]}",
        f"API server for browsers: {browser_server() or _NOT_BUILT}",
    ]


# Around the teardown of fixtures, which need the cluster and may fail: an interrupted
# run tears them down only now.
@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_sessionfinish(session: pytest.Session):
    """Remove the clusters that were started here, and only those."""
    try:
        return (yield)
    finally:
        _remove_clusters(session)


def _remove_clusters(session: pytest.Session) -> None:
    if hasattr(session.config, "workerinput"):
        _delete_clusters(Path(os.environ["LAB_STATE_DIR"]))
    elif _OURS in session.config.stash:
        ours = session.config.stash[_OURS]
        # Workers have deleted theirs, unless they were interrupted or killed; then
        # clusters that tests had started are left in their directories, too.
        of_tests = session.config._tmp_path_factory.getbasetemp()
        _delete_clusters(Path(ours.name), of_tests)
        ours.cleanup()


def _delete_clusters(*directories: Path) -> None:
    from cluster import backends, errors

    for state in [state for each in directories for state in _states(each)]:
        os.environ["LAB_STATE_DIR"] = str(state)
        try:
            if backends.kept_backend().running():
                backends.kept_backend().delete()
        except errors.LabError as error:
            print(f"\nleft in {state}: {error}", file=sys.stderr)


def _states(directory: Path) -> list[Path]:
    """Return the directories below it that hold the state of a cluster of processes."""
    from cluster import backends, statedir

    ours = (backends.LOCAL, backends.CONTROL_PLANE)
    marks = {mark for mark, name in backends.MARKS.items() if name in ours}
    found = (Path(each.path) for each in statedir.entries_below(directory))
    return [*{path.parent for path in found if path.name in marks}]


@pytest.fixture(scope="session")
def cluster(request):
    """Return the cluster of this run, or of this worker."""
    from helpers.pytest_plugin import connect_once

    return connect_once(request.session)


@pytest.fixture(scope="session")
def browser_server() -> Path:
    """Return the directory of the API server for browsers, which Node runs, too."""
    from tests.skips import browser_server

    if not shutil.which("node"):
        pytest.skip("Node is not here")
    if not (found := browser_server()):
        pytest.skip(_NOT_BUILT)
    return found


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a lesson whose pods this cluster cannot run: here the rest proves enough.

    Elsewhere the plugin of the package fails it: there the lesson was asked for.
    """
    # Not on top: pytest imports its plugins itself.
    from helpers.pytest_plugin import connect_once, lesson_lacks

    if item.path.suffix == ".ipynb":
        connect_once(item.session)
        if reason := lesson_lacks(item.path.stem):
            pytest.skip(reason)
