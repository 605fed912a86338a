"""The pure parts of benchmarks/: ratios and tables."""

import re
import sys

from tests.notebooks import ROOT

# Scripts, each beside its `parts`: they are no package of the suite.
sys.path.insert(0, str(ROOT / "benchmarks"))

import growth  # noqa: E402
import peers  # noqa: E402
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


def test_a_peer_is_compared_in_what_both_have():
    ours = dict(zip(peers.COLUMNS, (2.0, 3.0, 4.0, 400.0), strict=True))
    bare = {peers.start.ANSWER: 3.0, peers.MEMORY: 200.0}
    _, _, first, second = cells(peers.table([{"local": ours, "envtest": bare}]))
    assert first[1:] == ["2.0 (1.0 x)", "3.0 (1.0 x)", "4.0 (1.0 x)", "400 (1.0 x)"]
    assert second[1:] == ["3.0 (1.5 x)", "", "", "200 (0.5 x)"]


def test_a_cluster_more_is_compared_with_one_alone():
    table = growth.table([(1, 4.0, 500.0, 0.04), (5, 6.0, 1500.0, 0.25)])
    one, five = cells(table)[2:]
    assert one == "1 4.0 1.00 500 500 1.00 4.0 4.0 1.00".split()
    assert five == "5 6.0 1.50 1500 300 0.60 25.0 5.0 1.25".split()


def test_docs_name_every_script():
    scripts = {path.name for path in (ROOT / "benchmarks").glob("*.py")} - {"page.py"}
    text = (ROOT / "cluster/docs/performance.md").read_text()
    assert set(re.findall(r"python benchmarks/(\w+\.py)", text)) == scripts
