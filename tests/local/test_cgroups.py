"""Where there are no cgroups of version 2, nothing is made; see also tests/usermode."""

from cluster.local import cgroups
from tests.local.deep import nested


def test_a_directory_that_is_no_cgroup_is_left_alone(tmp_path, monkeypatch):
    """As /sys/fs/cgroup where cgroups are of version 1: root may write to it."""
    mount, state = tmp_path / "mount", tmp_path / "state"
    mount.mkdir()
    state.mkdir()
    monkeypatch.setattr(cgroups, "MOUNT", mount)
    assert cgroups.make(state, 1000) is None
    assert not cgroups.divide(mount)
    assert [*mount.iterdir(), *state.iterdir()] == []


def test_what_cannot_be_given_away_is_not_left(tmp_path, monkeypatch):
    """As where the new one has no file of those that its owner must have."""
    mount, state = tmp_path / "mount", tmp_path / "state"
    mount.mkdir()
    state.mkdir()
    (mount / "cgroup.subtree_control").touch()
    monkeypatch.setattr(cgroups, "MOUNT", mount)
    monkeypatch.setattr(cgroups, "_places", lambda: [mount])
    assert cgroups.make(state, 1000) is None
    assert [path.name for path in mount.iterdir()] == ["cgroup.subtree_control"]
    assert [*state.iterdir()] == []


def test_cgroups_that_a_pod_has_nested_deep_are_removed(tmp_path, monkeypatch):
    made, state = tmp_path / "mount" / "kubernetes-lab-1", tmp_path / "state"
    state.mkdir()
    (state / "cgroup").write_text(str(made))
    monkeypatch.setattr(cgroups, "MOUNT", tmp_path / "mount")
    with nested(made):
        cgroups.remove(state)
        assert not made.exists()
        assert not cgroups.left(state)


def test_what_is_no_cgroup_is_not_removed(tmp_path):
    (tmp_path / "cgroup").write_text(str(tmp_path / "mine"))
    (tmp_path / "mine").mkdir()
    cgroups.remove(tmp_path)
    assert (tmp_path / "mine").exists()
