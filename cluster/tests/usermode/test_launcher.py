"""The launcher of a node's kernel and network, with programs that do nothing."""

import json
import subprocess
import sys

import pytest

from cluster.processes import PACKAGES
from cluster.usermode import components
from cluster.usermode.components import RELAY

#: the launcher, with a shorter timeout
MAIN = """
import sys
from cluster.usermode import launcher

launcher.PART_TIMEOUT = 1
sys.exit(launcher.main(*sys.argv[1:]))
"""
HANGS = "exec sleep 60"


@pytest.mark.parametrize(
    ("slirp", "linux", "said"),
    [
        (HANGS, HANGS, "its network was not there after 1 s"),
        (
            f"touch {components.FRAMES}; {HANGS}",
            HANGS,
            "its kernel was not there after 1 s",
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
    for program, script in (("slirp4netns", slirp), ("linux.uml", linux)):
        (tmp_path / program).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / program).chmod(0o755)
    (tmp_path / components.RUN).mkdir(parents=True)
    (tmp_path / "run").mkdir()
    plan = {"port": 1, "binaries": "/none", "python_home": "/none"}
    (tmp_path / components.PLAN).write_text(json.dumps(plan))
    programs = [str(tmp_path / name) for name in ("slirp4netns", "linux.uml")]
    done = subprocess.run(
        [sys.executable, "-c", MAIN, "1", RELAY, programs[0], "true", programs[1]],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": PACKAGES},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    words = done.stderr.replace(f"{tmp_path}/", "")
    assert words == f"the node did not come up: {said}\n"
