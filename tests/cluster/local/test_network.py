"""Whether kube-proxy can run is found out by what the kernel answers to `nft`."""

import shutil
import subprocess
import sys

import pytest

from cluster.processes import SYSTEM_PATH
from tests.notebooks import ROOT

GUARD = "from cluster.local import network; print(network.guard_loopback())"


def guard(rights: str, path: str) -> str:
    """Return the answer in a network namespace of its own."""
    done = subprocess.run(
        [shutil.which("unshare"), rights, sys.executable, "-c", GUARD],
        cwd=ROOT,
        env={"PATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_where_the_kernel_takes_the_rules_it_can():
    if shutil.which("nft", path=SYSTEM_PATH) is None:
        pytest.skip("no `nft`")
    assert guard("-Urn", SYSTEM_PATH) == "True"


def test_where_the_kernel_refuses_them_it_cannot():
    # A user without an id has no rights over the network either.
    assert guard("-Un", SYSTEM_PATH) == "False"


def test_without_nft_it_cannot(tmp_path):
    assert guard("-Urn", str(tmp_path)) == "False"
