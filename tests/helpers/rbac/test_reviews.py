"""The API server is asked about tokens and permissions; nothing is guessed."""

import pytest

from helpers.rbac.reviews import Account, access_review, attributes_of

READER = Account("system:serviceaccount:home:reader", ("system:authenticated",))


@pytest.mark.parametrize(
    ("row", "attributes"),
    [
        ("pods", {"resource": "pods", "namespace": "home"}),
        ("pods/log", {"resource": "pods", "subresource": "log", "namespace": "home"}),
        (
            "pods/log web",
            {
                "resource": "pods",
                "subresource": "log",
                "name": "web",
                "namespace": "home",
            },
        ),
        ("jobs.batch", {"resource": "jobs", "group": "batch", "namespace": "home"}),
        (
            "roles.rbac.authorization.k8s.io/x -n away",
            {
                "resource": "roles",
                "group": "rbac.authorization.k8s.io",
                "subresource": "x",
                "namespace": "away",
            },
        ),
        ("nodes -A", {"resource": "nodes"}),
    ],
)
def test_a_row_is_read_as_kubectl_reads_it(row, attributes):
    request = attributes_of(READER.user, "get", row, "home")
    spec = access_review(request, READER.groups)["spec"]
    assert (spec["user"], spec["groups"]) == (READER.user, ["system:authenticated"])
    assert spec["resourceAttributes"] == {"verb": "get", **attributes}


def test_a_service_account_comes_with_its_groups():
    every = "system:serviceaccounts"
    reader = Account(
        "system:serviceaccount:home:reader",
        (every, f"{every}:home", "system:authenticated"),
    )
    assert Account.read("reader", "home") == reader
    assert Account.read(reader.user, "elsewhere") == reader
    jane = Account("jane@example.com", ("system:authenticated",))
    assert Account.read("jane@example.com", "home") == jane
    nobody = Account("system:anonymous", ("system:unauthenticated",))
    assert Account.read("system:anonymous", "home") == nobody
