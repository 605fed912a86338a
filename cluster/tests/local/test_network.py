"""Whether kube-proxy can run is found out by what the kernel answers to `nft`."""

import shutil
import subprocess
import sys

import pytest

from cluster.processes import SYSTEM_PATH
from cluster.tests.commandline import ROOT

GUARD = "from cluster.local import network; print(network.guard_loopback())"


@pytest.mark.parametrize(
    ("rights", "path", "answer"),
    [
        ("-Urn", SYSTEM_PATH, "True"),
        # A user without an id has no rights over the network either.
        ("-Un", SYSTEM_PATH, "False"),
        ("-Urn", "/nonexistent", "False"),
    ],
    ids=["taken", "refused", "without nft"],
)
def test_it_can_where_the_kernel_takes_the_rules(rights, path, answer):
    if answer == "True" and shutil.which("nft", path=SYSTEM_PATH) is None:
        pytest.skip("no `nft`")
    done = subprocess.run(
        [shutil.which("unshare"), rights, sys.executable, "-c", GUARD],
        cwd=ROOT,
        env={"PATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == answer, done.stderr
