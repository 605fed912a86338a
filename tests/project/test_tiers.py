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

@pytest.mark.machines("another kernel")
def test_on_another_system(): pass

@pytest.mark.follow("another version")
def test_of_a_pin(): pass

def test_of_a_cluster(cluster): pass

@pytest.fixture
def cluster(): pass

def test_that_skips():
    pytest.skip("nobody knows why")
"""
MAKEFILE = (ROOT / "Makefile").read_text()
PLUGINS = "-p xdist -p tests.groups -p tests.tiers -p no:cacheprovider".split()
OPTIONS = [*PLUGINS, "--budget", "60"]


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


def words_of(word: str) -> str:
    """Return the expression of a word of make."""
    rule = rf"^{word}: .*\n(?:\t.*\n)*?\t.* -m '([^']*)' --budget "
    [words] = re.findall(rule, MAKEFILE, re.MULTILINE)
    return words


def test_quick_leaves_out_what_needs_a_cluster_and_skips_are_a_persons(tmp_path):
    code, shown = run(tmp_path, "-m", words_of("quick"))
    assert code == 0
    assert "1 skipped, 6 deselected" in shown


def test_each_word_runs_its_own_and_names_in_its_head_what_it_leaves_out(tmp_path):
    """Between them they run each test, and `full` runs what `test` does."""
    for words, shown, left in (
        (words_of("test"), "1 passed, 1 skipped, 5 deselected", [*tiers.WORDS]),
        (words_of("full"), "4 passed, 1 skipped, 2 deselected", ["machines", "follow"]),
        ("machines", "1 passed, 6 deselected", ["full", "follow"]),
        ("follow", "1 passed, 6 deselected", ["full", "machines"]),
        ("", "6 passed, 1 skipped", []),
    ):
        said = run(tmp_path, "-m", words)[1]
        assert shown in said, words
        assert re.findall(r"^left out: .* \(`make (\w+)`\)", said, re.M) == left


def test_the_budget_of_a_word_is_what_contributing_says():
    table = (ROOT / "CONTRIBUTING.md").read_text().partition("what it checks")[2]
    said = re.findall(r"^\| `make (test|full)` .* (\d+) minutes \|$", table, re.M)
    rules = re.split(r"\n(?=\w+:)", MAKEFILE)
    budgets = [
        (rule.partition(":")[0], minutes)
        for rule in rules
        for minutes in re.findall(r"--budget (\d+)", rule)
    ]
    assert said == [pair for pair in budgets if pair[0] in ("test", "full")] != []


def test_a_skip_that_nobody_expects_fails_ci_and_one_worker_runs_a_group(tmp_path):
    """Here the group is a file whose tests say where they run."""
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
    """A file that is renamed stays out of make quick."""
    assert [path for path in tiers.HEAVY if not [*ROOT.glob(f"{path}*")]] == []


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
