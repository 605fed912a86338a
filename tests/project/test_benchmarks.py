"""The pure parts of benchmarks/: parsing, tables, and which rounds count."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.notebooks import ROOT

# Scripts, each beside its `parts`: they are no package of the suite.
sys.path.insert(0, str(ROOT / "benchmarks"))

import growth  # noqa: E402
import page  # noqa: E402
import peers  # noqa: E402
from parts import figures, resources  # noqa: E402

ROLLUP = """\
563f76f3a000-7ffe00f2d000 ---p 00000000 00:00 0                          [rollup]
Rss:               20000 kB
Pss:               10000 kB
Pss_Dirty:          8483 kB
Pss_Anon:           7000 kB
Pss_File:           2000 kB
Pss_Shmem:          1000 kB
"""


def cells(table):
    return [[c.strip() for c in line.split("|")[1:-1]] for line in table.splitlines()]


def test_memory_is_split_into_what_the_kernel_can_drop_and_what_it_cannot():
    found = resources.Memory.parse(ROLLUP)
    assert found == resources.Memory(rss=20.48, pss=10.24, anonymous=8.192, file=2.048)
    assert (found + found).pss == 2 * found.pss


def test_memory_is_known_where_nobody_may_look_into_a_process():
    """What /proc/PID/status says of this process is what its maps say."""
    found = resources.Memory.of(os.getpid())
    status = (Path("/proc/self/status")).read_text()
    hidden = resources.Memory.parse_status(status)
    assert hidden.rss == pytest.approx(found.rss, rel=0.1)
    assert hidden.anonymous == pytest.approx(found.anonymous, rel=0.1)
    assert (hidden.pss, hidden.file) == (hidden.anonymous, 0.0)


def test_a_process_spends_ticks_that_proc_shows():
    """A loop that counts its own CPU seconds is seen from outside, too."""
    before = resources.spent(os.getpid()), time.process_time()
    while time.process_time() - before[1] < 0.2:
        pass
    assert resources.spent(os.getpid()) - before[0] == pytest.approx(0.2, abs=0.05)


def test_stolen_time_counts_as_used_and_waiting_does_not():
    stat = "cpu  100 10 50 9999 7777 3 2 35 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n"
    assert resources.busy(stat) == pytest.approx(200 * resources.TICK)


def rounds(*shares, wanted):
    """Return what counts of rounds in which others used these shares."""
    ran = iter(enumerate(shares))
    return figures.undisturbed(wanted, lambda: next(ran))


def test_rounds_under_the_load_of_others_are_dropped_and_counted():
    found = rounds(0.5, 0.01, 0.2, 0.1, wanted=2)
    assert found.kept == [1, 3]
    assert found.note.startswith("Rounds: 2; dropped") and ": 2." in found.note


def test_no_more_than_twice_as_many_rounds_are_tried():
    found = rounds(0.5, 0.01, 0.2, 0.3, 0.0, wanted=2)
    assert found.kept == [1]
    assert found.note.startswith("Rounds: 1; dropped") and ": 3." in found.note


def test_figures_of_a_busy_machine_are_marked():
    found = rounds(0.5, 0.9, wanted=1)
    assert found.kept == [0, 1]
    assert found.note.startswith("DISTURBED")


def test_a_ratio_is_of_one_round_and_not_of_two_medians():
    slow, quick = {"floor": 4.0, "node": 8.0}, {"floor": 1.0, "node": 3.0}
    table = figures.spread("start", [slow, quick, quick], "floor")
    assert cells(table)[-1] == "node 3.00 3.00 8.00 3.00".split()


def test_a_table_can_be_pasted_and_names_the_ratio_to_the_floor():
    used = {
        "kube-apiserver": resources.Memory(30, 20, 15, 5),
        "kubelet": resources.Memory(20, 15, 5, 10),
        "etcd": resources.Memory(10, 10, 8, 2),
    }
    table = resources.table(
        used, {"kube-apiserver": 0.02, "etcd": 0.01, "kubelet": 0.03}
    )
    lines = cells(table)
    assert len({len(line) for line in lines}) == 1
    assert lines[-2] == ["sum", "45", "28", "17", "60", "6.00"]
    assert lines[-1][1] == "1.50" and lines[-1][-1] == "2.00"


def test_a_peer_is_compared_in_what_both_have():
    ours = {peers.ANSWER: 2.0, peers.NODE: 3.0, peers.POD: 4.0, peers.MEMORY: 400.0}
    bare = {peers.ANSWER: 3.0, peers.MEMORY: 200.0}
    _, _, first, second, *published = cells(
        peers.table([{"local": ours, "envtest": bare}])
    )
    assert first[1:5] == ["2.0 (1.0 x)", "3.0 (1.0 x)", "4.0 (1.0 x)", "400 (1.0 x)"]
    assert second[1:5] == ["3.0 (1.5 x)", "", "", "200 (0.5 x)"]
    assert all(row[-1].startswith("published: [") for row in published)


def test_a_cluster_more_is_compared_with_one_alone():
    table = growth.table([(1, 4.0, 500.0, 0.04, 0.01), (5, 6.0, 1500.0, 0.25, 0.02)])
    one, five = cells(table)[2:]
    assert one == "1 4.0 1.00 500 500 1.00 4.0 4.0 1.00 1%".split()
    assert five == "5 6.0 1.50 1500 300 0.60 25.0 5.0 1.25 2%".split()


def test_no_cluster_is_started_for_which_memory_is_short():
    assert growth.room(free=6000.0, used=2000.0, clusters=2, wanted=7)
    assert not growth.room(free=5900.0, used=2000.0, clusters=2, wanted=7)
    assert not growth.room(free=1800.0, used=900.0, clusters=0, wanted=1)


def test_the_documentation_names_every_script_but_the_one_that_make_runs():
    scripts = {path.name for path in (ROOT / "benchmarks").glob("*.py")}
    text = (ROOT / "docs" / "performance.md").read_text()
    named = set(re.findall(r"python benchmarks/(\w+\.py)", text))
    assert named == scripts - {"page.py"}


def test_the_page_names_every_script_that_it_does_not_run():
    """What `make bench` leaves out can be found without reading the directory."""
    scripts = {path.name for path in (ROOT / "benchmarks").glob("*.py")}
    run = {"page.py", "start.py", "idle.py"}
    named = {
        command.split()[0].removeprefix("benchmarks/") for command in page.ELSEWHERE
    }
    assert named - {"-m"} == scripts - run


FAMILY = """
import os, subprocess, sys, time
from parts import resources
resources.become_family()
try:
    # An orphan: what it has used counts as ours when it is gone, too.
    busy = "import time\\nwhile time.process_time() < 0.5: pass"
    subprocess.run(["sh", "-c", '"$0" -c "$1" &', sys.executable, busy])
    while len(resources.family(os.getppid())) > 2:
        time.sleep(0.02)
    spent = sum(map(resources.spent, resources.family(os.getppid())))
    print(spent, flush=True)
    time.sleep(60)
finally:
    print("removed")
"""


def test_an_orphan_is_of_the_family_and_sigterm_removes_what_was_started():
    """The clusters of a benchmark leave it as orphans; it must not leave them."""
    with subprocess.Popen(
        [sys.executable, "-c", FAMILY],
        cwd=ROOT / "benchmarks",
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'benchmarks'}"},
        stdout=subprocess.PIPE,
        text=True,
    ) as ran:
        assert float(ran.stdout.readline()) > 0.5
        ran.terminate()
        assert ran.stdout.read() == "removed\n"
    assert ran.returncode == 128 + signal.SIGTERM
