"""`up` and `delete` at the same time: each is done, one after the other."""

import subprocess
import sys

import pytest

from tests.cluster.whole.lab import ONCE, ROOT, Lab, full

pytestmark = ONCE


@pytest.fixture
def fresh(tmp_path):
    lab = Lab(tmp_path / "state")
    yield lab
    lab.close()


@full
@pytest.mark.parametrize(
    "moment", ["making keys", "making the namespaces", "waiting for kube-apiserver"]
)
def test_up_behind_a_delete_is_a_new_cluster(fresh, moment):
    """The first start is stopped; the second waits, or is stopped as well."""
    first = fresh.starter()
    heard = "".join(iter_until(first.stdout, moment))
    remover = subprocess.Popen(
        [sys.executable, "-m", "helpers", "delete", "--yes"],
        cwd=ROOT,
        env=fresh.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    second = fresh.starter()
    for process in (first, second):
        said, _ = process.communicate(timeout=120)
        stopped = "while it was starting." in said
        assert process.returncode == 0 or stopped, heard + said
    said, _ = remover.communicate(timeout=120)
    assert (remover.returncode, said) == (0, "deleted\n")
    fresh.up()
    assert fresh.phase() == "ready"


def iter_until(lines, words):
    for line in lines:
        yield line
        if words in line:
            return
