"""The pure parts of benchmarks/: ratios and tables."""

import re
import sys

from tests.notebooks import ROOT

# Scripts, each beside its `parts`: they are no package of the suite.
sys.path.insert(0, str(ROOT / "benchmarks"))

from parts import figures, resources  # noqa: E402


def cells(table):
    return [[c.strip() for c in line.split("|")[1:-1]] for line in table.splitlines()]


def test_a_ratio_is_of_one_round_and_not_of_two_medians():
    slow, quick = {"floor": 4.0, "node": 8.0}, {"floor": 1.0, "node": 3.0}
    table = figures.spread("start", [slow, quick, quick], "floor")
    assert cells(table)[-1] == "node 3.00 3.00 8.00 3.00".split()


def test_a_table_can_be_pasted_and_names_the_ratio_to_the_floor():
    used = {"kube-apiserver": 20.0, "kubelet": 15.0, "etcd": 10.0}
    idle = {"kube-apiserver": 0.02, "etcd": 0.01, "kubelet": 0.03}
    lines = cells(resources.table(used, idle))
    assert lines[2] == ["kube-apiserver", "20", "2.00"]
    assert lines[-2:] == [
        ["sum", "45", "6.00"],
        ["sum x kube-apiserver and etcd", "1.50", "2.00"],
    ]


def test_docs_name_every_script():
    scripts = {path.name for path in (ROOT / "benchmarks").glob("*.py")} - {"page.py"}
    text = (ROOT / "cluster/docs/performance.md").read_text()
    assert set(re.findall(r"python benchmarks/(\w+\.py)", text)) == scripts
