"""What the checks of the client library say of a CronJob, and of a function."""

import pytest

from helpers.checks import client_library
from helpers.command import kubectl
from helpers.errors import NotSolved


@pytest.fixture
def tick(namespace):
    """Yield the name of a CronJob that nobody has suspended."""
    schedule = "--schedule=0 0 1 1 *"
    kubectl("create", "cronjob", "tick", "--image=toolbox:1", schedule, "--", "date")
    yield "tick"
    kubectl("delete cronjob tick")


def test_a_cron_job_that_runs_is_no_answer(tick):
    with pytest.raises(NotSolved, match="still runs"):
        client_library.suspend_cron_job(tick)


def test_kubectl_is_no_client_library(tick):
    kubectl("patch", "cronjob", tick, "--patch", '{"spec": {"suspend": true}}')
    with pytest.raises(NotSolved, match="kubectl that suspended"):
        client_library.suspend_cron_job(tick)


def exists(*codes, yes=True, no=False):
    """Return a function that answers `no` to these codes and raises others."""
    from kubernetes.client import ApiException

    def function(core, name, namespace):
        try:
            core.read_namespaced_pod(name, namespace)
        except ApiException as error:
            if error.status in codes:
                return no
            raise
        return yes

    return function


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda core, name, namespace: None, "does not return True"),
        (exists(403, 404), "answered 403, and the function says False"),
        (exists(), "the function raises 404"),
        (exists(404, no=None), "return False"),
        (exists(404, yes="yes"), "does not return True"),
    ],
)
def test_a_function_that_says_more_than_it_knows(namespace, function, said):
    with pytest.raises(NotSolved, match=said):
        client_library.tell_missing_from_forbidden(function)


def test_only_a_404_means_no(namespace):
    assert client_library.tell_missing_from_forbidden(exists(404))
    assert kubectl("get pods -o name").stdout == ""
