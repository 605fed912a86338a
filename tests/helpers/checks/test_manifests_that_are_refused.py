"""A Job is taken by the server, and is the wanted one; what is wrong is said."""

import copy

import pytest

from helpers.checks.manifests_that_are_refused import other_job, repair_job
from helpers.errors import NotSolved

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
WANTED = {"completions": 2, "mode": "Indexed"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"completions": 3}, "there should be 2 pods"),
        ({"completionMode": "NonIndexed"}, "the pods are alike"),
    ],
)
def test_a_job_that_is_taken_may_be_another_one(change, said):
    job = {**JOB, "spec": JOB["spec"] | change}
    assert said in other_job(job, **WANTED)


def test_another_kind():
    """A Deployment is taken as well."""
    assert "Job" in other_job({**JOB, "kind": "Deployment"}, **WANTED)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"completions": "two"}, "completions"),
        ({"paralelism": 1}, "unknown field"),
        ({"completions": 3}, "there should be 2 pods"),
    ],
)
def test_the_server_says_what_is_wrong(cluster, change, said):
    """Nothing is stored."""
    job = copy.deepcopy(JOB)
    job["spec"] |= change
    with pytest.raises(NotSolved, match=said):
        repair_job(job, **WANTED)


def test_an_empty_answer(cluster):
    with pytest.raises(NotSolved, match="The server reports"):
        repair_job({}, **WANTED)
