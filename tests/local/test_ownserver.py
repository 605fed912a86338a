"""Where an API server of a notebook works; tests/test_apiserver.py has what it does."""

from cluster import ownserver, statedir


def test_a_state_directory_that_only_api_servers_have_used_is_ours(
    tmp_path, monkeypatch
):
    """A cluster can be started in it later, and `delete` removes it."""
    state = tmp_path / "state"
    monkeypatch.setenv("LAB_STATE_DIR", str(state))
    assert ownserver.new_directory().is_relative_to(state)
    statedir.refuse_foreign(state)
    assert state.stat().st_mode & 0o777 == 0o700
