"""The real cluster as learners run it: an ordinary user who cannot become more."""

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from cluster import paths
from cluster.local.backend import Local
from cluster.processes import SYSTEM_PATH
from cluster.progress import Silent
from cluster.tests import unprivileged

pytestmark = [
    pytest.mark.full("root only"),
    pytest.mark.skipif(
        os.geteuid() != 0,
        reason="only root can become another user; cluster/tests/whole is what this is",
    ),
]


@pytest.fixture
def home():
    """Return a home directory where uid 1000 can reach it: pytest's own is closed."""
    with tempfile.TemporaryDirectory(prefix="home-") as directory:
        os.chown(directory, unprivileged.UID, unprivileged.UID)
        yield Path(directory)


@pytest.fixture(scope="module")
def material():
    """Return what root made and the user may use: programs and image."""
    binaries, archive = Local().setup(Silent())
    given = {"LAB_ASSETS": str(binaries), "LAB_CACHE_DIR": str(paths.cache_dir())}
    # Other workers take their part of the machine: `scaled` has to know.
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        given["PYTEST_XDIST_WORKER"] = worker
    return {"show": [binaries, archive], "environment": given}


def test_the_user_is_an_ordinary_one_in_clean_surroundings(home):
    program = (
        "import os; print(os.getresuid(), os.getresgid(), os.getgroups())\n"
        "print([line for line in open('/proc/self/status')"
        " if line in ('NoNewPrivs:\\t1\\n', 'CapEff:\\t0000000000000000\\n')])\n"
        "print(os.access('/etc/shadow', os.R_OK), sorted(os.environ))"
    )
    done = unprivileged.run([sys.executable, "-c", program], home)
    assert done.stdout.splitlines() == [
        "(1000, 1000, 1000) (1000, 1000, 1000) []",
        r"['CapEff:\t0000000000000000\n', 'NoNewPrivs:\t1\n']",
        "False ['HOME', 'LANG', 'PATH', 'PYTHONDONTWRITEBYTECODE']",
    ]


@pytest.mark.timeout(1800)
def test_the_cluster_works_as_an_ordinary_user(home, material):
    """Run all tests of the machine as that user; nothing is left out in silence."""
    done = unprivileged.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-rs",
            "--color=no",
            "-p",
            "no:cacheprovider",
            "cluster/tests/whole",
        ],
        home,
        timeout=1700,
        **material,
    )
    assert done.returncode == 0, done.stdout
    lines = re.findall(r"^SKIPPED \[(\d+)\] \S+ (.*)$", done.stdout, re.M)
    skips = {reason: int(count) for count, reason in lines}
    nft = shutil.which("nft", path=SYSTEM_PATH)
    without_nft = () if nft else ("kube-proxy does not run here: no `nft`",)
    assert {*skips} == {"only root can mount a file system for all", *without_nft}
    [collected] = re.findall(r"^collected (\d+) items$", done.stdout, re.M)
    [passed] = re.findall(r"(\d+) passed", done.stdout.splitlines()[-1])
    assert int(passed) == int(collected) - sum(skips.values())


def test_a_proc_that_hides_processes_hides_no_cluster(home, material):
    """Of those that run it, PID 1 is hidden even from its owner."""
    command = f"{sys.executable} -m helpers"
    script = f"! ls /proc/1 && {command} up && {command} status && {command} stop"
    words = ("sh", "-c", f"{script} && {command} status; {command} delete --yes")
    done = unprivileged.run(words, home, **material, ids=True, hidepid=True)
    said = done.stdout
    assert "a local cluster, because namespaces can be made" in said, said
    assert "\nready\n" in said and "stopped; the objects are kept" in said, said
    assert said.endswith("not running; start it with `.venv/bin/kapi up`\ndeleted\n")
