"""A fault of a grant names the mistake, and what is too much."""

import pytest

from helpers import grants
from helpers.command import kubectl
from helpers.grants import fault_of_grant
from tests.running import apply

API = "rbac.authorization.k8s.io"


def grant(namespace, *, account="reader", **rule):
    """Apply one Role and its binding, in place of those of the test before."""
    rule = {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["list"], **rule}
    common = {"apiVersion": f"{API}/v1", "metadata": {"name": "jobs"}}
    subject = {"kind": "ServiceAccount", "name": account, "namespace": namespace}
    reference = {"apiGroup": API, "kind": "Role", "name": "jobs"}
    apply(
        [
            {**common, "kind": "Role", "rules": [rule]},
            {
                **common,
                "kind": "RoleBinding",
                "subjects": [subject],
                "roleRef": reference,
            },
        ]
    )


def test_nothing_was_done_yet(namespace, monkeypatch):
    monkeypatch.setattr(grants, "PROPAGATION", 0.5)
    assert fault_of_grant("stranger", ["list"], "jobs.batch") == (
        "stranger gets 403 for list on jobs.batch. No RoleBinding gives stranger list "
        "on jobs.batch."
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"account": "default"}, ":default`, not to ServiceAccount `"),
        ({"verbs": ["get"]}, "gives `reader` get on jobs (apiGroups: batch)"),
        ({"verbs": ["list", "delete"]}, "reader may also delete jobs.batch: that is"),
        ({"apiGroups": ["*"], "resources": ["*"]}, "reader may also list secrets: "),
        ({}, ""),
    ],
)
def test_one_mistake_at_a_time_is_told(namespace, change, says):
    grant(namespace, **change)
    diagnosis = fault_of_grant("reader", ["list"], "jobs.batch")
    assert (says in diagnosis) if says else diagnosis == ""


READ = ["get", "list", "watch"]


@pytest.fixture
def bind(namespace):
    """Yield what binds the ClusterRole `view` to an account, as long as a test runs."""
    grants = []

    def make(account, kind="rolebinding"):
        words = (kind, f"{namespace}-view")
        who = f"--serviceaccount={namespace}:{account}"
        kubectl("create", *words, "--clusterrole=view", who)
        grants.append(words)

    yield make
    for words in grants:
        kubectl("delete", *words)


def test_a_cluster_role_may_be_bound_in_a_namespace(namespace, bind):
    bind("viewer")
    assert fault_of_grant("viewer", READ, "configmaps") == ""


def test_a_cluster_role_for_the_wrong_account_is_told(namespace, bind):
    bind("default")
    assert fault_of_grant("idle", READ, "configmaps") == (
        f"idle gets 403 for get on configmaps. RoleBinding `{namespace}-view` allows "
        f"it to ServiceAccount `{namespace}:default`, not to ServiceAccount "
        f"`{namespace}:idle`."
    )


def test_a_right_in_every_namespace_is_too_much(namespace, bind):
    bind("roamer", "clusterrolebinding")
    assert fault_of_grant("roamer", READ, "configmaps") == (
        "roamer may also get configmaps -n default: that is too much. Use a "
        "RoleBinding, not a ClusterRoleBinding."
    )
