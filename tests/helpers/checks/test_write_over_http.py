"""What the check of verbs says to a learner; it asks the server."""

import pytest

from helpers.caller import Caller
from helpers.checks import write_over_http
from helpers.errors import NotSolved
from helpers.tokens import create_token


@pytest.fixture(scope="module")
def nobody(namespace):
    """Return a caller without any right."""
    return Caller.bearer(create_token())


@pytest.mark.parametrize(
    ("request_", "guess", "said"),
    [
        ("GET {pods}/q/log", ("get", "pods/log"), ""),
        ("GET {pods}/q/log", ("get", "pods"), "requires get on pods/log"),
        ("DELETE {pods}?labelSelector=a=b", ("deletecollection", "pods"), ""),
        (
            "DELETE {pods}?labelSelector=a=b",
            ("delete", "pods"),
            "predicted delete on pods, but the server requires deletecollection on ",
        ),
    ],
)
def test_verbs_are_asked_of_the_server(namespace, nobody, request_, guess, said):
    """Right, wrong in the verb, and wrong in the resource."""
    pods = f"/api/v1/namespaces/{namespace}/pods"
    wrong = write_over_http.wrong_verb(request_.format(pods=pods), guess, nobody)
    assert said in wrong and bool(said) == bool(wrong)


def test_a_prediction_that_is_missing_is_none(namespace, nobody):
    """An empty answer is no right one."""
    with pytest.raises(NotSolved, match="GET .*/web/log: there is no answer yet"):
        write_over_http.predict_verbs({}, nobody)
