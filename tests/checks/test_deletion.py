"""What a check of a deletion says: pods left behind, or a Job that goes too soon."""

import pytest

from helpers.checks import job_goes_last
from helpers.checks.client_library import why_not_last
from helpers.command import kubectl


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"metadata": {"finalizers": ["foregroundDeletion"]}}, ""),
        ({"metadata": {"finalizers": ["orphan"]}}, "The pods stay behind and lose"),
        ({"kind": "Status", "metadata": {}, "status": "Success"}, "that is Background"),
    ],
)
def test_the_answer_shows_what_will_be(answer, said):
    """A finalizer holds the Job until something has been done."""
    diagnosis = why_not_last(answer)
    assert said in diagnosis and bool(said) == bool(diagnosis)


@pytest.fixture(scope="module")
def batch(cluster, namespace):
    """Yield a BatchV1Api in a namespace of its own."""
    from kubernetes import client

    yield client.BatchV1Api(cluster.api_client())
    assert kubectl("get", "jobs", "-o", "name").stdout == ""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"propagation_policy": "Foreground"}, ""),
        ({"propagation_policy": "Background"}, "that is Background"),
        ({"propagation_policy": "foreground"}, 'supported values: "Foreground"'),
        ({}, "The pods stay behind"),
        ({"policy": "Foreground"}, "The client does not take 'policy': "),
    ],
    ids=str,
)
def test_the_server_deletes_with_these_options(batch, options, said):
    """A real Job with a real pod; nothing of it is left, whatever the verdict."""
    diagnosis = job_goes_last(options, batch)
    assert said in diagnosis and bool(said) == bool(diagnosis)
    kubectl("wait", "--for=delete", "pods", "--all", "--timeout=60s")
