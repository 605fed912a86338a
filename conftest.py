"""Bring one cluster up for the tests and notebooks that need one.

In the root and not in tests/: there it would not be loaded for `pytest notebooks`,
and notebook cells see no fixtures, only the environment that is set here.
"""

import os
import signal
import tempfile

import pytest

_OURS: list[tempfile.TemporaryDirectory] = []
_NOT_LOCAL = pytest.StashKey[str]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Choose the state directory before anything reads it: never the learner's."""
    # A shell starts background jobs deaf to SIGINT, and all that we start would be so,
    # too: the tests of Ctrl-C and of interrupted cells need ears.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(session.config, "workerinput"):
        return
    if "LAB_STATE_DIR" not in os.environ:
        directory = tempfile.TemporaryDirectory(
            prefix="lab-", ignore_cleanup_errors=True
        )
        _OURS.append(directory)
        os.environ["LAB_STATE_DIR"] = directory.name
    if "LAB_BACKEND" not in os.environ:
        _choose_backend(session.config)


def _choose_backend(config: pytest.Config) -> None:
    """Have the local cluster, be Docker there or not; any where there can be none."""
    from helpers import backends, choice

    refused = backends.Here(choice.AUTO).no_namespaces
    os.environ["LAB_BACKEND"] = choice.AUTO if refused else choice.LOCAL
    if refused:
        config.stash[_NOT_LOCAL] = refused


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say why it is not the local cluster that the tests will have."""
    refused = config.stash.get(_NOT_LOCAL, "")
    return [f"cluster: not the local one, because {refused}"] if refused else []


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the cluster if anything that was collected needs it."""
    if session.config.option.collectonly:
        return
    if not hasattr(session.config, "workerinput") and any(
        _needs_cluster(item) for item in session.items
    ):
        from helpers import connect, errors

        try:
            print(f"\n{connect()!r}", flush=True)
        except errors.LabError as error:
            # Its message says it all; a traceback of pytest's own would bury it.
            pytest.exit(f"no cluster, no tests: {error}", returncode=1)
    _skip_what_cannot_run(session.items)


def _skip_what_cannot_run(items: list[pytest.Item]) -> None:
    """Mark the cells that this kind of cluster cannot run; the report lists them."""
    from helpers import backends

    cells = [item for item in items if item.path.suffix == ".ipynb"]
    backend = backends.kept().name if cells else ""
    for item in cells:
        lesson = item.path.stem.partition("-")[2]
        reason = _lack(backend, lesson, item.cell["metadata"].get("tags", []))
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


def _lack(backend: str, lesson: str, tags: list[str]) -> str:
    """Return why a cell cannot run on a cluster of this kind, or ""."""
    from helpers import choice, errors, paths
    from helpers.controlplane import node
    from helpers.controlplane.lessons import needs_pods
    from helpers.own.lessons import REASON, needs_lab

    nowhere = backend == choice.CONTROL_PLANE and not node.coming(paths.state_dir())
    if nowhere and needs_pods(lesson, tags):
        return str(errors.NoNode("this cell"))
    return REASON if backend == choice.OWN and needs_lab(tags) else ""


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove the cluster that was started here, and only that one."""
    if _OURS:
        from helpers import backends, choice

        # Tests that start API servers of their own alone have made no cluster in it.
        if backends.Here(choice.AUTO).kept:
            backends.kept().delete()
        _OURS.pop().cleanup()


def _needs_cluster(item: pytest.Item) -> bool:
    return item.path.suffix == ".ipynb" or "cluster" in getattr(
        item, "fixturenames", ()
    )


@pytest.fixture(scope="session")
def cluster():
    """Return the cluster of this run."""
    from helpers import connect

    return connect()
