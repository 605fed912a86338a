"""What a check of a CronJob says to a learner."""

import pytest

from helpers.checks import batch_api

RIGHT = {"schedule": "0 3 * * *", "image": "toolbox:1"}


def cronjob(**changes):
    container = {"name": "main", "image": changes.pop("image", "toolbox:1")}
    template = {"spec": {"containers": [container]}}
    job = {"spec": {"template": template}}
    return {
        "metadata": {"name": "nightly"},
        "spec": {"schedule": "0 3 * * *", "jobTemplate": job, **changes},
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        (
            {"schedule": "3 0 * * *"},
            "nightly runs at '3 0 * * *', not at '0 3 * * *'.",
        ),
        ({"suspend": True}, "nightly is suspended, so it never runs."),
        ({"image": "busybox"}, "nightly runs busybox, not toolbox:1."),
    ],
)
def test_what_is_wrong_with_it(changes, said):
    """The first thing that would keep it from doing the work."""
    assert batch_api.wrong_cronjob(cronjob(**changes), **RIGHT) == said


def test_one_that_is_not_there(cluster):
    """The server's own sentence, and what to do."""
    said = batch_api.cronjob_runs("no-such-one", **RIGHT)
    assert '"no-such-one" not found' in said and "kubectl apply" in said
