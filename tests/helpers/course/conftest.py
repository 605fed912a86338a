"""A state directory for what a learner answers."""

import pytest

from helpers.course import attempts


@pytest.fixture
def state(tmp_path, monkeypatch):
    """Return a state directory that is not there yet, for answers of a learner."""
    monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv(attempts.SETTING, raising=False)
    return tmp_path / "state"
