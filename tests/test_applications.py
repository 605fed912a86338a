"""The pod of a Deployment is the one of its newest template, and no other."""

import pytest

from cluster import errors
from helpers import kubectl
from helpers.drills import current_pod, last_words
from helpers.pods import apply
from tests.local.waiting import until

DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "talks"},
    "spec": {
        "selector": {"matchLabels": {"app": "talks"}},
        "strategy": {"type": "Recreate"},
        "template": {
            "metadata": {"labels": {"app": "talks"}},
            "spec": {
                "containers": [
                    {
                        "name": "main",
                        "image": "toolbox:1",
                        "args": ["sh", "-c", "echo one; echo $SAY; sleep infinity"],
                        "env": [{"name": "SAY", "value": "two"}],
                    }
                ]
            },
        },
    },
}


@pytest.fixture(scope="module", autouse=True)
def talks(namespace):
    apply(DEPLOYMENT)


def says(pod):
    return {e["name"]: e["value"] for e in pod["spec"]["containers"][0]["env"]}["SAY"]


def test_the_last_line_is_what_it_wrote_last():
    """Before it runs there is none, and that is no error."""
    pod = until(lambda: current_pod("talks"))["metadata"]["name"]
    assert until(lambda: last_words(pod)) in ("one", "two")
    until(lambda: last_words(pod) == "two")
    assert last_words("no-such-pod") == ""


def test_the_pod_of_the_old_template_is_never_taken_for_the_new():
    """Asked at once after each change, when the old pod may well be there still."""
    for word in ("three", "four", "five"):
        kubectl("set", "env", "deployment/talks", f"SAY={word}")
        assert says(until(lambda: current_pod("talks"))) == word


def test_what_is_not_there_is_told():
    with pytest.raises(errors.KubectlFailed, match="not found"):
        current_pod("silent")
