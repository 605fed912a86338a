"""Tables of permissions: what is too much, and what has changed."""

from cluster.tests.waiting import until
from helpers.command import kubectl
from helpers.views.permissions import can_i, excess


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
