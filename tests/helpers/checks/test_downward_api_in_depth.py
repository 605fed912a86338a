"""What the check of the ways into a container says; the API server decides."""

import pytest

from helpers.checks.downward_api_in_depth import ask_ways, choose_ways
from helpers.command import kubectl
from helpers.errors import NotSolved

RIGHT = {
    "metadata.name": "B",
    "metadata.uid": "B",
    "metadata.labels": "F",
    "metadata.labels['foo']": "B",
    "spec.nodeName": "V",
    "status.podIP": "V",
    "limits.memory": "B",
}


def test_the_server_says_which_way(namespace):
    """One dry run answers for all fields, and leaves no pod."""
    fields = ["metadata.labels", "metadata.labels['foo']", "status.podIP", "spec.nose"]
    assert ask_ways(fields) == {
        "metadata.labels": {"F"},
        "metadata.labels['foo']": {"V", "F"},
        "status.podIP": {"V"},
        "spec.nose": set(),
    }
    assert "asking" not in kubectl("get", "pods").stdout


@pytest.mark.parametrize(
    ("field", "way", "named"),
    [
        ("metadata.name", "", "write 'V', 'F' or 'B'"),
        ("metadata.labels", "B", "as a file only"),
        ("status.podIP", "F", "as a variable only"),
        ("metadata.uid", "V", "either way"),
    ],
)
def test_a_wrong_way_is_named(namespace, field, way, named):
    """The server's answer is in the diagnosis, not only that it is wrong."""
    with pytest.raises(NotSolved, match=named):
        choose_ways(RIGHT | {field: way})


def test_an_empty_answer_is_no_answer(namespace):
    with pytest.raises(NotSolved, match="metadata.name: write"):
        choose_ways({})
