"""A run leaves out what it should, and fails if it was slow or skipped too much."""

import os
import re
import subprocess
import sys

from tests import tiers
from tests.notebooks import ROOT

TESTS = """
import os
import pytest

@pytest.mark.full("builds from source")
@pytest.mark.parametrize("number", range(3))
def test_rare(number):
    print(os.environ.get("PYTEST_XDIST_WORKER"))

@pytest.mark.full("a machine of its own")
@pytest.mark.machines("another kernel")
def test_on_another_system(): pass

def test_of_a_cluster(cluster): pass

@pytest.fixture
def cluster(): pass

def test_that_skips():
    pytest.skip("nobody knows why")
"""
MAKEFILE = (ROOT / "Makefile").read_text()
OPTIONS = "-p xdist -p tests.tiers -p no:cacheprovider --budget 60".split()


def run(folder, *options: str, **environment: str) -> tuple[int, str]:
    """Run these tests with options; return the exit code and the output."""
    (folder / "test_it.py").write_text(TESTS)
    (folder / "pytest.ini").write_text("[pytest]\nstrict = true\n")
    clean = {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "CI": ""}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *OPTIONS, *options],
        cwd=folder,
        env=os.environ | clean | environment | {"LAB_TESTS_LOAD": "0"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def test_quick_leaves_out_what_needs_a_cluster_and_skips_are_a_persons(tmp_path):
    [words] = re.findall(r"-m '([^']*)' --budget 2 ", MAKEFILE)
    code, shown = run(tmp_path, "-m", words)
    assert code == 0
    assert "1 skipped, 5 deselected" in shown


def test_other_systems_have_a_word_of_their_own(tmp_path):
    [test] = re.findall(r"-m '([^']*)' --budget 11 ", MAKEFILE)
    [full] = re.findall(r"-m '([^']*)' --budget 60 ", MAKEFILE)
    [word] = re.findall(r"pytest -m (\w+) ", MAKEFILE)
    for words, shown in (
        (test, "1 passed, 1 skipped, 4 deselected"),
        (full, "4 passed, 1 skipped, 1 deselected"),
        (word, "1 passed, 5 deselected"),
    ):
        assert shown in run(tmp_path, "-m", words)[1], words


def test_a_skip_that_nobody_expects_fails_ci_and_one_worker_runs_a_group(tmp_path):
    """Here the group is a file, the tests of which say where they run."""
    code, shown = run(tmp_path, "-n", "2", "-rP", CI="true")
    assert code == 1
    fault = "FAILED 1 skipped, which tests/skips.py does not expect here: nobody"
    assert fault in shown
    assert len(set(re.findall("^gw.", shown, re.MULTILINE))) == 1


def test_a_run_that_may_skip_nothing_fails_by_any_skip(tmp_path):
    """So does a lesson whose cells are skipped where no pod can run."""
    code, shown = run(tmp_path, "--no-skips", "--budget", "0")
    assert code == 1
    assert "FAILED 1 skipped: nobody knows why" in shown
    passed = run(tmp_path, "--no-skips", "--budget", "0", "-k", "not skips")
    assert passed[0] == 0


def test_time_is_judged_on_an_idle_machine_alone():
    """By one and a half times the budget; a single worker gets twice that."""
    told = ["60.0 minutes, and the budget here is 30"]
    assert tiers.too_slow(60, 30, workers=2, load=0.5) == told
    assert tiers.too_slow(60, 30, workers=1, load=0.5) == []
    assert tiers.too_slow(60, 41, workers=2, load=0.5) == []
    assert tiers.too_slow(60, 30, workers=2, load=1000) == []


def test_a_slow_processor_has_more_time(monkeypatch):
    """And a quick one has what the Makefile says."""
    monkeypatch.setattr(tiers, "USUAL", 1e-6)
    assert tiers.slowness() > 1000
    monkeypatch.setattr(tiers, "USUAL", 60)
    assert tiers.slowness() == 1


def test_what_is_named_here_exists():
    """A file that is renamed keeps its group, and stays out of make quick."""
    named = {*tiers.TOGETHER, *tiers.ENGINE, *tiers.HEAVY, *tiers.LONGEST}
    assert [path for path in named if not [*ROOT.glob(f"{path}*")]] == []


def test_the_longest_groups_come_first_and_those_without_a_cluster_last():
    names = (
        "cluster/tests/existing/test_chapter.py::test",
        "tests/browser/test_tab.py::test",
        "cluster/tests/existing/test_use.py::test",
        "tests/lessons/test_lessons.py::test[06]",
        "cluster/tests/cli/test_cli.py::test",
        "tests/project/test_style.py::test",
    )
    heavy = {tiers.group(name) for name in names[:-1]}
    places = [tiers.rank(name, heavy) for name in names]
    assert places == sorted({*places})


def test_the_tests_of_the_site_are_one_group():
    """Two workers would build it twice."""
    users = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tests" / "browser").glob("test_*.py")
        if re.search(r"\b(address|built)\b", text := path.read_text())
        and "def built(" not in text
    ]
    assert len(users) > 1
    assert {tiers.group(f"{path}::test") for path in users} == {tiers.SITE[0]}


def test_there_are_as_many_workers_as_the_machine_has_room_for(monkeypatch):
    room = len(os.sched_getaffinity(0)) + 2
    for memory, instances, backend, state, workers in (
        (1, 1, "local", "", room),
        (1, 10**9, "local", "", 0),
        (1e18, 1, "local", "", 0),
        (1, 1, "kind", "", 0),
        (1, 1, "local", "/of/somebody", 0),
    ):
        monkeypatch.setattr(tiers, "MEMORY", memory)
        monkeypatch.setattr(tiers, "INSTANCES", instances)
        monkeypatch.setenv("LAB_BACKEND", backend)
        monkeypatch.delenv("LAB_STATE_DIR", raising=False)
        if state:
            monkeypatch.setenv("LAB_STATE_DIR", state)
        assert tiers.pytest_xdist_auto_num_workers() == workers
