"""`helpers` is the one door: complete, sorted, quick to open, and nothing behind it
starts by itself."""

import ast
import json
import subprocess
import sys

import pytest

import helpers
from cluster.cli.format import NOT_RUNNING
from helpers.course import template
from tests.notebooks import FILES, load
from tests.style.page import Page

LOOK = """
import threading
import helpers
import json, os, psutil
print(json.dumps({
    "threads": threading.active_count(),
    "children": len(psutil.Process().children()),
    "state": os.path.exists(os.environ["LAB_STATE_DIR"]),
}))
"""
#: the most frequent waits of a person: command, exit code, most modules of ours
DOORS = {
    "from helpers import connect": (("-c", "from helpers import connect"), 0, 25),
    "python -m helpers status": (("-m", "helpers", "status"), NOT_RUNNING, 35),
}
#: packages that are ours, and the most of their modules that a learner's call loads
OURS = ("cluster", "helpers")
ROOMS = {
    "helpers.api.pods": 18,
    "helpers.api.tokens": 19,
    "helpers.exercises.checks": 60,
}
#: each takes as long to load as Python takes to start, or longer
HEAVY = {
    "IPython",
    "ipywidgets",
    "kubernetes",
    "pandas",
    "requests",
    "asyncio",
    "cryptography",
    "httpx",
    "urllib.request",
    "yaml",
    "cluster.kind",
    "cluster.existing.backend",
    "cluster.controlplane.backend",
}


def imported_by_notebooks():
    pages = [*map(load, FILES), template.notebook("own")]
    return {
        alias.name
        for page in pages
        for cell in Page.read(page).code
        for node in cell.nodes(ast.ImportFrom)
        if node.module == "helpers"
        for alias in node.names
    }


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """Return what a fresh process sees after `import helpers`."""
    state = tmp_path_factory.mktemp("fresh") / "state"
    result = subprocess.run(
        [sys.executable, "-c", LOOK],
        env={"LAB_STATE_DIR": str(state)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(result.stdout)


def test_all_is_sorted():
    """A person finds a name, and a diff shows the one that is new."""
    assert list(helpers.__all__) == sorted(helpers.__all__)


def test_all_is_what_the_notebooks_use():
    """Nothing is offered that no lesson needs, nothing is needed that is not."""
    assert set(helpers.__all__) == imported_by_notebooks()


@pytest.mark.parametrize("name", helpers.__all__)
def test_each_name_is_there_and_explains_itself(name):
    """Each name has a docstring, which `?name` shows in a notebook."""
    assert getattr(helpers, name).__doc__.strip()


def test_dir_shows_the_names():
    """Completion in a notebook offers what the door has."""
    assert set(helpers.__all__) <= set(dir(helpers))


def test_an_unknown_name_is_an_attribute_error():
    """A typing error is told as one, also by a lazy door."""
    with pytest.raises(AttributeError, match="no_such_helper"):
        _ = helpers.no_such_helper


@pytest.mark.parametrize(("words", "code", "most"), DOORS.values(), ids=DOORS)
def test_opening_the_door_is_quick(words, code, most, tmp_path):
    """Heavy packages, and backends that are not in use, are loaded when needed."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *words],
        env={"LAB_STATE_DIR": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == code, done.stderr
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    ours = {name for name in loaded if name.partition(".")[0] in OURS}
    assert "cluster.backends" in ours
    assert loaded & HEAVY == set()
    assert len(ours) <= most, sorted(ours)


@pytest.mark.parametrize(("module", "most"), ROOMS.items())
def test_what_a_learner_calls_loads_no_backend(module, most, tmp_path):
    """Helpers reach the backend through `connect()`, which has chosen one."""
    look = f"import {module}, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", look],
        env={"LAB_STATE_DIR": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    ours = {name for name in done.stdout.split() if name.partition(".")[0] in OURS}
    assert not [name for name in ours if "backend" in name]
    assert len(ours) <= most, sorted(ours)


def test_opening_the_door_starts_nothing(fresh):
    """No thread, no process, no directory: importing is only importing."""
    assert (fresh["threads"], fresh["children"], fresh["state"]) == (1, 0, False)
