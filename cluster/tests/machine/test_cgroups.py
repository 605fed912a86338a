"""A cgroup is made where that changes nothing of others; elsewhere none is.

What real cgroups do is in cluster/tests/machines/test_systemd.py.
"""

import os
import socket
from pathlib import Path

import pytest

from cluster.machine import cgroups
from cluster.tests.machine.deep import nested

ALL = "cpuset cpu io memory pids"
#: as in WSL 2 before 2.5.1, and since then with `cgroups=v1` in /etc/wsl.conf
HYBRID = """\
13:misc:/
12:rdma:/
11:hugetlb:/
10:net_prio,net_cls:/
9:pids:/init.scope
8:memory:/init.scope
7:devices:/init.scope
4:cpu,cpuacct:/
1:name=systemd:/init.scope
0::/init.scope
"""


@pytest.fixture
def mount(tmp_path, monkeypatch):
    """Return the directory of all cgroups of version 2, without systemd."""
    mount = tmp_path / "mount"
    mount.mkdir()
    monkeypatch.setattr(cgroups, "MOUNT", mount)
    monkeypatch.setattr(cgroups, "BOOTED", tmp_path / "booted")
    monkeypatch.setattr(cgroups, "version_1_controllers", set)
    return mount


@pytest.fixture
def state(tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    return state


def test_a_directory_that_is_no_cgroup_is_left_alone(mount, state):
    """As /sys/fs/cgroup where none is mounted: root may write to it."""
    assert cgroups.make(state, 1000) == (
        None,
        "there is no cgroup in which one could be made",
    )
    assert not cgroups.divide(mount)
    assert [*mount.iterdir(), *state.iterdir()] == []


@pytest.mark.parametrize(
    ("ours", "switched_on", "place"),
    [
        ("/a/b", {".": ALL, "a": ALL, "a/b": ALL}, "a/b"),
        # A cgroup with processes, as ours mostly is, has none for others.
        ("/a/b", {".": ALL, "a": ALL, "a/b": ""}, "a"),
        ("/a/b", {".": ALL, "a": "memory pids", "a/b": ""}, "."),
        ("/a/b", {".": "memory", "a": "memory", "a/b": ""}, None),
        # The cgroup of the process is not shown here.
        ("/../x", {}, None),
        ("", {}, None),
    ],
)
def test_it_is_made_in_the_nearest_that_has_all_and_given_away(
    mount, state, monkeypatch, ours, switched_on, place
):
    """Nothing is switched on there: what has not been is somebody's decision."""
    monkeypatch.setattr(cgroups, "cgroup_of", lambda: ours)
    files = [mount / name / "cgroup.subtree_control" for name in switched_on]
    for file, controllers in zip(files, switched_on.values(), strict=True):
        file.parent.mkdir(exist_ok=True)
        file.write_text(controllers)
    names = ("cgroup.procs", "cgroup.subtree_control", "cgroup.threads", "memory.max")
    make, given = Path.mkdir, []

    def make_as_the_kernel_does(made):
        make(made)
        for name in names:
            (made / name).touch()

    monkeypatch.setattr(Path, "mkdir", make_as_the_kernel_does)
    monkeypatch.setattr(os, "chown", lambda path, *ids: given.append((path, *ids)))
    descriptor, why = cgroups.make(state, 1000)
    assert [file.read_text() for file in files] == [*switched_on.values()]
    if place is None:
        assert descriptor is None and why and given == []
        return
    os.close(descriptor)
    made = Path((state / "cgroup").read_text())
    assert made.parent == mount / place
    assert given == [(made / name, 1000, -1) for name in ("", *names[:3])]


def test_what_cannot_be_given_away_is_not_left(mount, state, monkeypatch):
    """As where the new one has no file of those that its owner must have."""
    (mount / "cgroup.subtree_control").write_text(ALL)
    monkeypatch.setattr(cgroups, "cgroup_of", lambda: "/")
    assert cgroups.make(state, os.geteuid()) == (None, "No such file or directory")
    assert [path.name for path in mount.iterdir()] == ["cgroup.subtree_control"]
    assert [*state.iterdir()] == []


@pytest.mark.parametrize(
    ("membership", "controllers"),
    [(HYBRID, {"cpu", "memory", "pids"}), ("0::/init.scope\n", set())],
)
def test_controllers_are_known_by_the_version_that_has_them(
    tmp_path, membership, controllers
):
    file = tmp_path / "cgroup"
    assert cgroups.version_1_controllers(file) == set()
    file.write_text(membership)
    assert cgroups.version_1_controllers(file) == controllers


@pytest.mark.parametrize("booted", [False, True])
def test_where_version_1_has_controllers_none_is_made_of_version_2(
    mount, state, monkeypatch, booted
):
    """Whether systemd runs there or not; it is not asked."""
    (mount / "cgroup.subtree_control").write_text(ALL)
    monkeypatch.setattr(cgroups, "cgroup_of", lambda: "/")
    monkeypatch.setattr(cgroups, "version_1_controllers", lambda: {"pids", "memory"})
    if booted:
        cgroups.BOOTED.mkdir()
    why = "version 1 of cgroups has memory, pids"
    assert cgroups.make(state, 1000) == (None, why)
    assert [path.name for path in mount.iterdir()] == ["cgroup.subtree_control"]


@pytest.mark.parametrize("mute", [False, True])
def test_a_manager_that_does_not_answer_keeps_nobody(
    mount, state, tmp_path, monkeypatch, mute
):
    """Whether its socket is not there, or nobody reads from it."""
    (mount / "cgroup.controllers").write_text(ALL)
    cgroups.BOOTED.mkdir()
    path = tmp_path / "private"
    monkeypatch.setattr(cgroups, "manager", lambda uid: path)
    monkeypatch.setattr(cgroups, "_SCOPE_TIMEOUT", 0.1)
    with socket.socket(socket.AF_UNIX) as listener:
        if mute:
            listener.bind(str(path))
            listener.listen()
        descriptor, why = cgroups.make(state, 1000)
    assert descriptor is None
    lack = "does not answer" if mute else "runs no manager for this account"
    assert why == f"systemd {lack}"
    assert [*state.iterdir()] == []


@pytest.mark.parametrize(
    ("ours", "stays"),
    [
        ("/system.slice/jupyter-ann-singleuser.service", True),
        ("/system.slice/jupyterhub.service/below", True),
        ("/user.slice/user-1000.slice/session-1.scope", False),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/lab.service", False),
        ("/system.slice/box.service/user.slice/user-1000.slice/session-1.scope", False),
        ("/init.scope", False),
        ("", False),
    ],
)
def test_what_a_system_service_starts_stays_in_it(monkeypatch, ours, stays):
    """Also while the account is logged in elsewhere, and has a manager."""
    monkeypatch.setattr(cgroups, "cgroup_of", lambda: ours)
    assert cgroups.in_system_service() == stays


def test_cgroups_that_a_pod_has_nested_deep_are_removed(tmp_path, monkeypatch):
    made, state = tmp_path / "mount" / "kubernetes-lab-1", tmp_path / "state"
    state.mkdir()
    (state / "cgroup").write_text(str(made))
    monkeypatch.setattr(cgroups, "MOUNT", tmp_path / "mount")
    with nested(made):
        cgroups.remove(state)
        assert not made.exists()
        assert not cgroups.has_cgroup(state)


def test_what_is_no_cgroup_is_not_removed(tmp_path):
    (tmp_path / "cgroup").write_text(str(tmp_path / "mine"))
    (tmp_path / "mine").mkdir()
    cgroups.remove(tmp_path)
    assert (tmp_path / "mine").exists()
