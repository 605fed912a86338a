"""The launcher of a node's kernel and network, with programs that do nothing."""

import json
import subprocess
import sys

import pytest

from cluster.processes import PACKAGES, start_time
from cluster.tests.slowness import scaled
from cluster.tests.waiting import until
from cluster.usermode import components
from cluster.usermode.components import RELAY

#: the launcher, with a shorter timeout
MAIN = """
import sys
from cluster.usermode import launcher

launcher.PART_TIMEOUT = float(sys.argv.pop())
sys.exit(launcher.main(*sys.argv[1:]))
"""
HANGS = "exec sleep 60"
#: the launcher, which is asked to end in the moment in which slirp4netns has started,
#: and the child that it makes
ENDED = """
import os, signal, subprocess, sys
from cluster.tests.waiting import until
from cluster.usermode import launcher

class Ended(subprocess.Popen):
    def __init__(self, *words, **options):
        super().__init__(*words, **options)
        if "--target-type=bess" in words[0]:
            until(lambda: os.path.exists("run/child"))
            os.kill(os.getpid(), signal.SIGTERM)

subprocess.Popen = Ended
sys.exit(launcher.main(*sys.argv[1:]))
"""
TWO = "sleep 60 & echo $! >run/made; mv run/made run/child; wait"


@pytest.mark.parametrize(
    ("slirp", "linux", "said"),
    [
        (HANGS, HANGS, "its network was not there after {seconds:.0f} s"),
        (
            f"touch {components.FRAMES}; {HANGS}",
            HANGS,
            "its kernel was not there after {seconds:.0f} s",
        ),
        (
            f"touch {components.FRAMES}; {HANGS}",
            "echo no ptrace here; exit 1",
            "linux.uml ended before its kernel was there",
        ),
    ],
)
def test_what_did_not_come_up_is_named(tmp_path, slirp, linux, said):
    """A kernel that hangs is no network that is missing."""
    seconds = scaled(1.0)
    done = launch(MAIN, tmp_path, slirp, linux, f"{seconds}")
    assert done.returncode == 1
    words = done.stderr.replace(f"{tmp_path}/", "")
    said = said.format(seconds=seconds)
    assert words == f"the node did not come up: {said}\n"


def test_the_end_in_the_moment_of_a_start_leaves_no_process(tmp_path):
    """slirp4netns makes a child, which does not end with its parent."""
    done = launch(ENDED, tmp_path, TWO, HANGS)
    assert (done.returncode, done.stderr) == (0, "")
    child = int((tmp_path / "run" / "child").read_text())
    until(lambda: start_time(child) is None)


def launch(source, tmp_path, slirp, linux, *more) -> subprocess.CompletedProcess:
    """Run the launcher with scripts as its network and its kernel."""
    for program, script in (("slirp4netns", slirp), ("linux.uml", linux)):
        (tmp_path / program).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / program).chmod(0o755)
    (tmp_path / components.RUN).mkdir(parents=True)
    (tmp_path / "run").mkdir()
    plan = {"port": 1, "binaries": "/none", "python_home": "/none"}
    (tmp_path / components.PLAN).write_text(json.dumps(plan))
    words = ["1", RELAY, str(tmp_path / "slirp4netns"), "true", tmp_path / "linux.uml"]
    return subprocess.run(
        [sys.executable, "-c", source, *words, *more],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": PACKAGES},
        capture_output=True,
        text=True,
        timeout=60,
    )
