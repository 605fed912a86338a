"""What is wrong with an answer about schemas is said, and a right one is taken."""

import copy

import pytest

from helpers.checks.openapi import job_is_taken, other_job, rule_described, wrong_rule
from helpers.proxy import KubectlProxy
from helpers.schemas import Schema

RULE = Schema(
    "Rule",
    {
        "required": ["action"],
        "properties": {
            "action": {"type": "string", "enum": ["Count", "Ignore"]},
            "codes": {"type": "array", "items": {"type": "integer"}},
        },
    },
    {},
)
JOB = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "two"},
    "spec": {
        "completions": 2,
        "completionMode": "Indexed",
        "template": {
            "spec": {
                "restartPolicy": "Never",
                "containers": [{"name": "main", "image": "toolbox:1"}],
            }
        },
    },
}


@pytest.mark.parametrize(
    ("required", "actions", "said"),
    [
        ({"action"}, {"Count", "Ignore"}, ""),
        (set(), {"Count", "Ignore"}, "required is still empty"),
        ({"action", "codes"}, {"Count", "Ignore"}, "codes does not belong there"),
        ({"action"}, {"Count"}, "1 more belong there"),
        ("action", {"Count", "Ignore"}, "not a set"),
    ],
)
def test_wrong_rule(required, actions, said):
    """What is missing, and what is too much."""
    diagnosis = wrong_rule({"required": required, "actions": actions}, RULE)
    assert said in diagnosis if said else diagnosis == ""


def test_rule_described(cluster):
    """The server's own schema is what counts."""
    actions = {"Count", "FailIndex", "FailJob", "Ignore"}
    with KubectlProxy() as proxy:
        assert rule_described({"required": {"action"}, "actions": actions}, proxy) == ""
        assert rule_described({"required": set(), "actions": set()}, proxy)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"completions": 3}, "there should be 2 pods"),
        ({"completionMode": "NonIndexed"}, "the pods are alike"),
    ],
)
def test_other_job(change, said):
    """A Job that the server takes may still be another one."""
    job = {**JOB, "spec": JOB["spec"] | change}
    diagnosis = other_job(job, completions=2, mode="Indexed")
    assert said in diagnosis if said else diagnosis == ""


def test_another_kind():
    """A Deployment is taken as well."""
    assert "Job" in other_job({**JOB, "kind": "Deployment"}, completions=2, mode="x")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ""),
        ({"completions": "two"}, "completions"),
        ({"paralelism": 1}, "unknown field"),
    ],
)
def test_job_is_taken(cluster, change, said):
    """The server says what is wrong, and nothing is stored."""
    job = copy.deepcopy(JOB)
    job["spec"] |= change
    diagnosis = job_is_taken(job, completions=2, mode="Indexed")
    assert said in diagnosis if said else diagnosis == ""
