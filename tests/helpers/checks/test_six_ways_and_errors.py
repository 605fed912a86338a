"""What a check of a deletion says: pods left behind, or a Job that goes too soon."""

import pytest

from helpers.checks.six_ways_and_errors import delete_job_last
from helpers.command import kubectl
from helpers.errors import NotSolved


@pytest.fixture(scope="module")
def batch(cluster, namespace):
    """Yield a BatchV1Api in a namespace of its own."""
    from kubernetes import client, config

    own = config.new_client_from_config(str(cluster.kubeconfig))
    yield client.BatchV1Api(own)
    assert kubectl("get", "jobs", "-o", "name").stdout == ""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"propagation_policy": "Background"}, "that is Background"),
        ({"propagation_policy": "foreground"}, 'supported values: "Foreground"'),
        ({}, "The pods stay behind"),
        ({"policy": "Foreground"}, "The client does not take 'policy': "),
    ],
    ids=str,
)
def test_the_server_deletes_with_these_options(batch, options, said):
    """A real Job with a real pod; nothing of it is left, whatever the verdict."""
    with pytest.raises(NotSolved, match=said):
        delete_job_last(options, batch)
    kubectl("wait", "--for=delete", "pods", "--all", "--timeout=60s")
