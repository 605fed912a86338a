"""When a cluster will end by itself, and why one does not run, is told."""

import json
import os
import pwd

import pytest

from cluster.local.backend import Local
from cluster.machine import cgroups, ending, identity
from cluster.processes import start_time
from cluster.tests.machine.test_shared import STATUS

OURS = f"/user.slice/user-1.slice/user@{os.geteuid()}.service/app.slice/x.scope/outer"
SESSION = "/user.slice/user-1.slice/session-7.scope"


@pytest.mark.parametrize(
    ("cgroup", "phase", "boot", "reason"),
    [
        (OURS, "ready", "2", "this machine restarted"),
        (OURS, "stopped", "2", "this machine restarted"),
        (OURS, "stopped", "1", "it was ended from outside, as by a last logout"),
        (SESSION, "stopped", "1", "it was ended from outside, by a signal"),
        ("", "ready", "1", "its processes were killed"),
        # The caller of the start was told.
        (OURS, "failed", "1", None),
        (OURS, "starting", "2", None),
    ],
)
def test_why_a_cluster_does_not_run(cgroup, phase, boot, reason):
    assert ending.end_reason(identity.Run("1", cgroup), phase, boot) == reason


def test_of_a_cluster_that_was_stopped_or_never_ran_nothing_is_told(tmp_path):
    machine = Local(tmp_path)._machine
    assert machine.why_it_ended() is None
    (tmp_path / "run").mkdir()
    identity.write_state(tmp_path, None)
    known = json.loads((tmp_path / "machine.json").read_text())
    known["outer"]["start"] -= 1
    (tmp_path / "machine.json").write_text(json.dumps(known))
    (tmp_path / "run" / "status.json").write_text(json.dumps(STATUS))
    assert machine.why_it_ended() == "its processes were killed"
    (tmp_path / "run" / "stopped").touch()
    assert machine.why_it_ended() is None


@pytest.mark.parametrize(
    ("cgroup", "lingers", "polkit", "when"),
    [
        (OURS, False, True, "10 s after your last logout; `loginctl enable-linger` "),
        (OURS, False, False, "10 s after your last logout; `sudo loginctl enable-"),
        (OURS, True, True, ""),
        (SESSION, False, True, ""),
        ("/system.slice/x.scope/outer", False, True, ""),
        ("", False, True, ""),
    ],
)
def test_when_a_cluster_will_end(tmp_path, monkeypatch, cgroup, lingers, polkit, when):
    user = pwd.getpwuid(os.geteuid()).pw_name
    if lingers:
        (tmp_path / user).touch()
    monkeypatch.setattr(ending, "_LINGERING", tmp_path)
    monkeypatch.setattr(ending.shutil, "which", lambda name: polkit and name)
    monkeypatch.setattr(cgroups, "cgroup_of", lambda pid=None: cgroup)
    outer = {"pid": os.getpid(), "start": start_time(os.getpid())}
    (tmp_path / "machine.json").write_text(json.dumps({"outer": outer}))
    told = ending.planned_end(tmp_path)
    assert told.startswith(when) and bool(told) == bool(when)
