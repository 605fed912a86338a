"""What the check of lesson 16 says of a right that is missing, or too much."""

import pytest

from helpers import grants
from helpers.checks import rights
from helpers.command import kubectl
from helpers.errors import NotSolved


def test_a_right_is_missing_or_too_much(namespace, monkeypatch):
    """The stub of the lesson binds the wrong account, and allows `delete`."""
    monkeypatch.setattr(grants, "PROPAGATION", 0.5)
    with pytest.raises(NotSolved, match="No RoleBinding gives worker list on jobs"):
        rights.allow_jobs("worker")
    kubectl("create role jobs --verb=list,delete --resource=jobs.batch")
    who = f"--serviceaccount={namespace}:worker"
    kubectl("create", "rolebinding", "jobs", "--role=jobs", who)
    monkeypatch.undo()
    with pytest.raises(NotSolved, match="worker may also delete jobs.batch"):
        rights.allow_jobs("worker")
