"""What a check says of predictions: who refuses, and with which code."""

import pytest

from helpers.caller import Caller
from helpers.checks import cluster_info
from helpers.errors import NotSolved
from helpers.tokens import create_token

CODES = {"A": 60, "B": 200, "C": 403, "D": 60, "E": 401}
STATUSES = {"A": 200, "B": 403, "C": 401, "D": 200, "E": 403, "F": 404}


@pytest.fixture(scope="module")
def callers(cluster, namespace):
    """Return the callers of the lesson that are asked about."""
    ca = cluster.authority_file()
    return {
        "no credential": Caller(cluster.server, ca=ca),
        "bad credential": Caller(cluster.server, ca=ca, token="nonsense"),
        "ServiceAccount": Caller(cluster.server, ca=ca, token=create_token("default")),
    }


@pytest.mark.parametrize("letter", CODES)
def test_a_wrong_code_is_told_with_the_reason(cluster, letter):
    """The answer, and the thought that was missing."""
    ca = cluster.authority_file()
    said = rf"^{letter}: you say 500, it is {CODES[letter]}\. .+\."
    with pytest.raises(NotSolved, match=said):
        cluster_info.predict_curl(CODES | {letter: 500}, server=cluster.server, ca=ca)


@pytest.mark.parametrize("letter", STATUSES)
def test_a_wrong_status_is_told_with_the_reason(callers, letter):
    said = rf"^{letter}: you say 500, it is {STATUSES[letter]}\. .+\."
    with pytest.raises(NotSolved, match=said):
        cluster_info.predict_statuses(STATUSES | {letter: 500}, callers)


@pytest.mark.parametrize("nothing", [{}, dict.fromkeys("ABCDEF")])
def test_no_prediction_is_told_before_anybody_is_asked(nothing):
    """No server is needed for it."""
    with pytest.raises(NotSolved, match="A: there is no prediction yet"):
        cluster_info.predict_statuses(nothing, {})
    with pytest.raises(NotSolved, match="A: there is no prediction yet"):
        cluster_info.predict_curl(nothing, server="", ca=None)


def test_a_prediction_in_quotes_is_no_number():
    """It would read: you say 200, it is 200."""
    with pytest.raises(NotSolved, match="A: '200' is not a number"):
        cluster_info.predict_statuses({"A": "200"}, {})
