"""The program that makes the disk is ended in time, with all that it started."""

import os
import signal
import subprocess
import sys
import time

import pytest

from cluster import errors
from cluster.processes import start_time
from cluster.tests.commandline import ROOT
from cluster.tests.slowness import scaled
from cluster.tests.waiting import until
from cluster.usermode import components, disk

#: a kernel that is deaf, with a process on it in its group, as user-mode Linux has them
DEAF = "trap '' TERM; sh -c 'echo $$ >child; exec sleep 600' & echo $$ >main; wait"
#: makes a disk that is never done
MAKER = (
    "import sys; from pathlib import Path; from cluster.usermode import disk; "
    "disk._run(['sh', '-c', sys.argv[1]], Path(sys.argv[2]), 600)"
)


@pytest.fixture
def state(tmp_path):
    (tmp_path / "logs").mkdir()
    return tmp_path


def begun(state):
    """Return whether both processes have written their numbers."""
    files = state / "main", state / "child"
    return all(file.exists() and file.read_text() for file in files)


def ended(state, name):
    """Return whether the process that wrote its number there has ended."""
    return start_time(int((state / name).read_text())) is None


def test_one_that_is_not_done_in_time_is_ended_with_its_group(state, monkeypatch):
    moments = []

    def expire(has_ended, seconds, pause):
        """Let the time be over when both run: a second may end before they begin."""
        until(lambda: begun(state))
        moments.append(time.monotonic())

    monkeypatch.setattr(disk, "poll", expire)
    with pytest.raises(errors.LabError, match="not done in 1 s"):
        disk._run(["sh", "-c", DEAF], state, 1)
    assert time.monotonic() - moments[0] < components.GRACE + scaled(5)
    until(lambda: ended(state, "main") and ended(state, "child"), 5, "the end of both")


def test_what_a_kernel_that_ends_has_left_is_ended(state):
    leaves = "sleep 600 & echo $! >child"
    disk._run(["sh", "-c", leaves], state, 60)
    until(lambda: ended(state, "child"), 5, "its end")


def test_one_that_fails_says_its_last_words(state):
    with pytest.raises(errors.LabError, match="no ptrace"):
        disk._run(["sh", "-c", "echo no ptrace here; exit 3"], state, 60)


def test_it_ends_with_whoever_makes_the_disk(state):
    """As where a learner restarts the kernel that runs the set-up."""
    tame = DEAF.replace("trap '' TERM", "trap 'kill $!; exit' TERM")
    with subprocess.Popen([sys.executable, "-c", MAKER, tame, state], cwd=ROOT) as it:
        until(lambda: begun(state), 30)
        os.kill(it.pid, signal.SIGKILL)
    until(lambda: ended(state, "main") and ended(state, "child"), 10, "the end of both")


def test_the_keeper_has_time_for_the_grace_of_its_kernel():
    """Killed before, it would leave what runs on that kernel."""
    kernel = components.Kernel("linux", "slirp", "mkfs", "mksquashfs")
    part = components.launcher(kernel, "python3", "/state", 1)
    assert part.grace >= components.GRACE + 2
