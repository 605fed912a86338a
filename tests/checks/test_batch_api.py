"""What the checks on a group and on a CronJob say to a learner."""

import json

import pytest

from helpers.checks import batch_api
from helpers.command import kubectl
from helpers.errors import NotSolved
from helpers.proxy import KubectlProxy

FOUND = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "short": "hpa",
    "path": "/apis/autoscaling/v2/horizontalpodautoscalers",
}


@pytest.fixture(scope="module")
def server(cluster):
    """Yield a proxy to the real API server."""
    with KubectlProxy() as running:
        yield running


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"apiVersion": ""}, "no value yet for apiVersion"),
        ({"apiVersion": "autoscaling/v1"}, "Look at `preferredVersion`"),
        ({"kind": "horizontalpodautoscalers"}, "in `kind`"),
        ({"short": "hpas"}, "in `shortNames`"),
        ({"path": "/apis/autoscaling/v2"}, "the path of the version, a slash"),
    ],
)
def test_a_value_is_wrong(server, change, said):
    """The first one, and where to look for it."""
    with pytest.raises(NotSolved, match=said):
        batch_api.explore_group(FOUND | change, server)


def test_nothing_was_explored(server):
    """An empty answer is no right one."""
    with pytest.raises(NotSolved, match="no value yet for apiVersion"):
        batch_api.explore_group({}, server)


def cronjob(**changes):
    container = {"name": "main", "image": changes.pop("image", "toolbox:1")}
    pod = {"restartPolicy": "Never", "containers": [container]}
    job = {"spec": {"template": {"spec": pod}}}
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "new-year"},
        "spec": {"schedule": "0 0 1 1 *", "jobTemplate": job, **changes},
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        (
            {"schedule": "1 1 0 0 *"},
            "new-year runs at '1 1 0 0 *', not at '0 0 1 1 *'.",
        ),
        ({"suspend": True}, "new-year is suspended, so it never runs."),
        ({"image": "busybox"}, "new-year runs busybox, not toolbox:1."),
    ],
)
def test_what_is_wrong_with_it(changes, said):
    """The first thing that would keep it from doing the work."""
    assert batch_api.wrong_cronjob(cronjob(**changes)) == said


def test_the_server_is_asked_for_it(namespace):
    """It is not there, it is there without a path, with a wrong and a right one."""
    with pytest.raises(NotSolved, match="not found.*run its cell"):
        batch_api.create_cronjob("")
    kubectl("apply -f -", input=json.dumps(cronjob()))
    with pytest.raises(NotSolved, match="`path` is still empty"):
        batch_api.create_cronjob("")
    path = f"/apis/batch/v1/namespaces/{namespace}/cronjobs"
    with pytest.raises(NotSolved, match="answers with CronJobList, not with"):
        batch_api.create_cronjob(path)
    with pytest.raises(NotSolved, match="NotFound"):
        batch_api.create_cronjob(f"{path}/nosuch")
    with pytest.raises(NotSolved, match="NotFound.*In which namespace"):
        batch_api.create_cronjob("/apis/batch/v1/cronjobs/new-year")
    assert batch_api.create_cronjob(f"{path}/new-year")
