"""The page and the table say all of a run, and what is otherwise than before."""

import dataclasses

import pytest

from cluster.tests.commandline import ROOT
from cluster.tests.conformance import page, target
from cluster.tests.conformance.judgement import Entry, judge
from cluster.tests.conformance.specs import Outcome, Spec

RUN = page.Run("v1.37.2", "2026-12-01", "debian-12 with 2 cores", 6, 51.6, 3.24e9)
PODS = Spec("[sig-node] Pods should run [Conformance]")
LOGS = Spec("[sig-cli] Logs should end [Conformance]")
NODES = Spec("[sig-apps] Sets [Serial] should move", serial=True)
ALL = (PODS, LOGS, NODES)
TWO = Entry("[sig-apps] Sets should move", "a second node", "there is one")
OLD = Entry("[sig-cli] Logs should end", "a stand-in image", "no curl")
PASSED = Outcome("passed")
TABLE = """\
Kubernetes v1.37.2, 2026-12-01, debian-12 with 2 cores: 6 specs at a time, 52 minutes, \
3.2 GB of memory.

| SIG | specs | passed | skipped | failed |
| --- | --: | --: | --: | --: |
| apps | 1 | 0 | 0 | 1 |
| cli | 1 | 1 | 0 | 0 |
| node | 1 | 0 | 0 | 1 |
| all | 3 | 1 | 0 | 2 |

Did not pass:

- `[sig-apps] Sets should move`: a second node: there is one
- `[sig-node] Pods should run`: not expected
"""


def failed(reason="no"):
    return Outcome("failed", reason=reason)


def judged(pods, logs, nodes, entries=(TWO,)):
    ends = zip(ALL, (pods, logs, nodes), strict=True)
    outcomes = {spec.name: outcome for spec, outcome in ends if outcome}
    return judge(ALL, outcomes, entries, limits=False)


def test_the_page_has_each_failure_with_its_reason_and_whose_it_is():
    result = judged(failed("not\nfound"), PASSED, failed("one node"), (TWO, OLD))
    assert page.page(RUN, result) == (
        "Kubernetes v1.37.2, 2026-12-01, debian-12 with 2 cores: 6 specs at a time, "
        "52 minutes, 3.2 GB of memory\n"
        "3 specs, 1 passed, 0 skipped, 2 failed\n\n"
        "Failed or skipped, and nobody expects that:\n"
        "  [sig-node] Pods should run\n"
        "    not found\n\n"
        "Failed or skipped, as expected:\n"
        "  [sig-apps] Sets should move\n"
        "    one node\n"
        "    a second node: there is one\n\n"
        "Passed, or gone from the suite: take them out of expected.toml:\n"
        "  [sig-cli] Logs should end\n"
    )


def test_the_page_names_what_did_not_run():
    text = page.page(RUN, judged(PASSED, PASSED, None), TABLE)
    assert text.endswith("\n\nDid not run:\n  [sig-apps] Sets should move\n")


def test_the_table_has_a_row_for_each_group_and_what_did_not_pass():
    result = judged(failed(), PASSED, failed())
    assert page.table(RUN, result) == TABLE
    good = page.table(RUN, judged(PASSED, PASSED, PASSED, ()))
    assert good.endswith("| all | 3 | 3 | 0 | 0 |\n")


def document(one, two):
    beginnings = [page.BEGINNING.format(name) for name in ("one", "two")]
    tables = zip(beginnings, (one, two), strict=True)
    return "".join(f"a\n{start}\n{text}{page.END}\nb\n" for start, text in tables)


def test_a_table_takes_the_place_of_the_last_one_of_its_name():
    text = document("old\n", "other\n")
    assert page.last_table(text, "one") == "\nold\n"
    for _ in range(2):
        text = page.with_table(text, TABLE, "one")
        assert text == document(TABLE, "other\n")
    assert page.with_table(text, "new\n", "two") == document(TABLE, "new\n")


@pytest.mark.parametrize("name", [page.HERE, target.GUEST])
def test_the_document_has_one_place_for_each_table(name):
    text = (ROOT / "cluster/docs/cluster.md").read_text("utf-8")
    old = page.last_table(text, name)
    assert old and "<!--" not in old
    assert page.last_table(page.with_table(text, "rows\n", name), name) == "\nrows\n"


def test_what_has_changed_since_the_last_table_is_said():
    same = judged(failed(), PASSED, failed())
    assert page.changes(TABLE, same) == ["No changes since the table of 2026-12-01."]
    assert page.changes(TABLE, judged(PASSED, failed(), failed())) == [
        "Changes since the table of 2026-12-01:",
        "  fails now: [sig-cli] Logs should end",
        "  passes now: [sig-node] Pods should run",
    ]
    fewer = dataclasses.replace(judged(PASSED, PASSED, failed()), specs=(LOGS, NODES))
    assert page.changes(TABLE, fewer) == [
        "Changes since the table of 2026-12-01:",
        "  specs: 3 -> 2",
        "  gone from the suite: [sig-node] Pods should run",
    ]
    assert page.changes("", same) == []
    assert page.changes("Not run yet.\n", same) == []
