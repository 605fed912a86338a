"""Each promise of cluster/docs/security.md names a test, and each test exists."""

import re

import pytest

from cluster.tests.commandline import ROOT
from cluster.tests.walls.hostile import ROWS

PAGE = (ROOT / "cluster/docs/security.md").read_text()
NAMED = re.compile(r"`((?:cluster/)?tests/[\w/]+\.py)::(\w+)`")


def tables() -> dict[str, list[list[str]]]:
    """Return the rows of all tables with a head, by the last word of that."""
    found = {}
    for text in re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE):
        lines = [line.strip("|").split(" | ") for line in text.splitlines()]
        rows = [[cell.strip() for cell in line] for line in lines]
        found.setdefault(rows[0][-1], []).extend(rows[2:])
    return found


@pytest.mark.parametrize(("path", "name"), sorted({*NAMED.findall(PAGE)}))
def test_a_test_that_is_named_is_there(path, name):
    assert re.search(rf"^def {name}\(", (ROOT / path).read_text(), re.MULTILINE)


def test_no_promise_is_without_a_test():
    promises = tables()["the test"]
    assert len(promises) > 15
    assert [row for row in promises if not NAMED.search(row[-1])] == []


def test_each_row_of_the_hostile_pod_is_on_the_page():
    written = [row[0] for row in tables()["what it gets"]]
    assert len(written) == len(ROWS)
    assert [row for row in ROWS if not [w for w in written if w.startswith(row)]] == []
