"""What the check of the resources that are only created says to a learner."""

import pytest

from helpers.checks.discovery import find_questions
from helpers.discovery import api_resources
from helpers.errors import NotSolved
from helpers.proxy import KubectlProxy


@pytest.fixture(scope="module")
def server(cluster):
    """Yield a proxy to the real API server."""
    with KubectlProxy() as running:
        yield running


@pytest.fixture(scope="module")
def right(server):
    """Return the names, found in another way than the check does."""
    frame = api_resources(server).explode("VERBS").groupby("NAME")["VERBS"].agg(set)
    return {n for n, v in frame.items() if "create" in v and not v & {"get", "list"}}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"jobs"}, "jobs does not belong there: its verbs are create, delete,"),
        ({"nosuch"}, "There is no resource 'nosuch'."),
        ({"tokenreviews"}, "1 of "),
    ],
)
def test_one_too_many_or_too_few(server, right, change, said):
    """One too many, one that is not there, and one that is missing."""
    with pytest.raises(NotSolved, match=said):
        find_questions(right ^ change, server)


def test_none_at_all(server, right):
    with pytest.raises(NotSolved, match=f"{len(right)} of {len(right)} are"):
        find_questions(set(), server)
