"""The API server is asked about tokens and permissions; nothing is guessed."""

import pytest

from cluster.tests.waiting import until
from helpers.command import kubectl
from helpers.rbac.reviews import (
    Account,
    access_review,
    attributes_of,
    can_i,
    excess,
)

READER = Account("system:serviceaccount:home:reader", ("system:authenticated",))


@pytest.mark.parametrize(
    ("row", "attributes"),
    [
        ("pods", {"resource": "pods", "namespace": "home"}),
        ("pods/log", {"resource": "pods", "subresource": "log", "namespace": "home"}),
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


def test_an_excess_lights_up_and_says_so():
    """Not by colour alone."""
    import pandas as pd

    granted = pd.DataFrame({"get": ["yes", "yes", "no", "no"]})
    needed = pd.DataFrame({"get": ["yes", "no", "yes", "no"]})
    shown = excess(granted, needed)
    assert shown.data["get"].tolist() == ["yes", "TOO MUCH", "missing", "no"]
    styles = shown.to_html().count("background-color")
    assert styles == 3


def test_a_table_of_permissions(namespace):
    """As the server sees it: before, after, elsewhere, and with another group."""
    kubectl("create role see --verb=list --resource=jobs.batch")
    kubectl(f"create rolebinding see --role=see --serviceaccount={namespace}:reader")
    user = f"system:serviceaccount:{namespace}:reader"
    question = f"auth can-i list jobs.batch --as={user}"
    until(lambda: not kubectl(question, check=False).exit_code)
    rows = ["jobs.batch", "jobs", "jobs.batch -n default", "nodes -A"]
    table = can_i("reader", ["list", "delete"], rows)
    assert table.to_dict("split") == {
        "index": rows,
        "columns": ["list", "delete"],
        "data": [["yes", "no"], ["no", "no"], ["no", "no"], ["no", "no"]],
    }
    before = can_i("default", ["list", "delete"], rows[:2])
    changed = can_i("reader", ["list", "delete"], rows, before=before).data
    assert changed.loc["jobs.batch"].tolist() == ["no → yes", "no", "RoleBinding see"]
    # A row that the earlier table lacks is not compared.
    assert changed.loc["nodes -A"].tolist() == ["no", "no", ""]
