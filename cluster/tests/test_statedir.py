"""A single process at a time starts or removes a cluster, in an existing directory."""

import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest

from cluster import errors, paths, statedir
from cluster.progress import Silent
from cluster.tests.commandline import ROOT, environment

#: argument: state directory, rounds, and whether it removes the directory in each
ROUNDS = """
import sys
from pathlib import Path
from cluster import statedir
from cluster.machine import storage
from cluster.progress import Silent

state, rounds, removes = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "True"
statedir.PAUSE = 0.0005
for _ in range(rounds):
    with statedir.start_lock(state, Silent()):
        alone = state / "alone"
        alone.touch(exist_ok=False)
        (state / "pki").mkdir(exist_ok=True)
        (state / "pki" / "key").write_text("x")
        alone.unlink()
        if removes:
            storage.remove_state(state)
"""


def test_starts_and_removals_take_turns(tmp_path):
    """A start that waits for a removal finds, or makes, a directory of its own."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ROUNDS, tmp_path / "state", "150", str(removes)],
            cwd=ROOT,
            env=environment(),
            stderr=subprocess.PIPE,
            text=True,
        )
        for removes in (False, True, False, True)
    ]
    for process in processes:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said


def test_no_cluster_begins_on_a_disk_of_windows(tmp_path, monkeypatch):
    """WSL shows one as /mnt/c; nothing is written there."""
    options = r"rw,noatime,aname=drvfs;path=C:\;uid=1000;gid=1000;symlinkroot=/mnt/"
    place = {"device": "C:\\", "mountpoint": str(tmp_path)}
    disk = SimpleNamespace(fstype="9p", opts=options, **place)
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: [disk])
    state = tmp_path / "Users" / "ann" / "state"
    with pytest.raises(errors.StateError) as caught:
        statedir.make(state)
    with (
        pytest.raises(errors.StateError, match="is on a disk of Windows"),
        statedir.start_lock(state, Silent()),
    ):
        pass
    # As everything there, unless it is mounted with `metadata`.
    tmp_path.chmod(0o777)
    monkeypatch.setenv("LAB_STATE_DIR", str(state))
    with pytest.raises(errors.StateError, match="is on a disk of Windows"):
        paths.state_dir()
    assert caught.value.path == state
    assert "Linux' own file system in LAB_STATE_DIR" in caught.value.hint
    assert list(tmp_path.iterdir()) == []
