"""A check of verbs asks the server."""

from helpers.caller import Caller
from helpers.checks.rbac_and_tokens import verbs_named
from helpers.tokens import create_token


def test_verbs_are_asked_of_the_server(namespace):
    """Right, wrong in the verb, wrong in the resource, and not there yet."""
    pods = f"/api/v1/namespaces/{namespace}/pods"
    stranger = Caller.bearer(create_token())
    one, every = f"GET {pods}/q/log", f"DELETE {pods}?labelSelector=a=b"
    right = {one: ("get", "pods/log"), every: ("deletecollection", "pods")}
    assert verbs_named(right, stranger) == ""
    assert verbs_named({**right, every: ("delete", "pods")}, stranger) == (
        f"{every}: predicted delete on pods, the server misses "
        "deletecollection on pods."
    )
    assert "misses get on pods/log" in verbs_named({one: ("get", "pods")}, stranger)
    none = {one: None}
    assert verbs_named(none, stranger) == f"There is no prediction yet for {one}."
