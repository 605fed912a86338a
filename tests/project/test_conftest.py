"""The tests' own clusters: what a run starts, it removes, also when it is ended."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cluster import backends
from cluster.machine import identity
from cluster.tests.commandline import environment
from tests.notebooks import ROOT

WAITS = """
import os, sys, time

def test_it(cluster):
    print("state:", os.environ["LAB_STATE_DIR"], file=sys.__stderr__, flush=True)
    time.sleep(600)
"""


@pytest.mark.full("infrastructure that lessons do not touch")
@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_run_that_is_ended_leaves_no_cluster(tmp_path, workers):
    """As `kill`, `timeout` and a CI system end one, which ask this process alone."""
    (tmp_path / "test_it.py").write_text(WAITS)
    words = ["-p", "conftest", "-p", "no:cacheprovider", "-s", "-n", workers]
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", *words, tmp_path],
        cwd=ROOT,
        env=environment({"LAB_STATE_DIR": None, "LAB_BACKEND": backends.CONTROL_PLANE}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with run:
        assert run.stderr
        lines = (line.partition("state: ") for line in run.stderr)
        state = Path(next(path for _, found, path in lines if found).strip())
        assert identity.is_running(state)
        run.send_signal(signal.SIGTERM)
        assert run.wait(120) == pytest.ExitCode.INTERRUPTED
    assert not identity.processes(state) and not state.exists()
