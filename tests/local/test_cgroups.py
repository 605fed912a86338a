"""Where there are no cgroups of version 2, nothing is made; see also tests/usermode."""

from cluster.local import cgroups


def test_a_directory_that_is_no_cgroup_is_left_alone(tmp_path, monkeypatch):
    """As /sys/fs/cgroup where cgroups are of version 1: root may write to it."""
    mount, state = tmp_path / "mount", tmp_path / "state"
    mount.mkdir()
    state.mkdir()
    monkeypatch.setattr(cgroups, "MOUNT", mount)
    assert cgroups.make(state, 1000) is None
    assert not cgroups.divide(mount)
    assert [*mount.iterdir(), *state.iterdir()] == []


def test_what_is_no_cgroup_is_not_removed(tmp_path):
    (tmp_path / "cgroup").write_text(str(tmp_path / "mine"))
    (tmp_path / "mine").mkdir()
    cgroups.remove(tmp_path)
    assert (tmp_path / "mine").exists()
