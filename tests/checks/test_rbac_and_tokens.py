"""A check of a grant names the mistake, and what is too much; one of verbs asks."""

import pytest

from helpers.caller import Caller
from helpers.checks import may_exactly, rbac_and_tokens, token_is, verbs_named
from helpers.command import kubectl
from helpers.tokens import create_token, tamper
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
    monkeypatch.setattr(rbac_and_tokens, "PROPAGATION", 0.5)
    assert may_exactly("stranger", ["list"], "jobs.batch") == (
        "403 for list on jobs.batch: No RoleBinding gives stranger list on jobs.batch."
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"account": "default"}, "allows it to ServiceAccount `default`"),
        ({"verbs": ["get"]}, "gives `reader` get on jobs of group"),
        ({"verbs": ["list", "delete"]}, "reader may also delete jobs.batch: that is"),
        ({"apiGroups": ["*"], "resources": ["*"]}, "reader may also list secrets: "),
        ({}, ""),
    ],
)
def test_one_mistake_at_a_time_is_told(namespace, change, says):
    grant(namespace, **change)
    diagnosis = may_exactly("reader", ["list"], "jobs.batch")
    assert (says in diagnosis) if says else diagnosis == ""


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
    assert may_exactly("viewer", READ, "configmaps") == ""


def test_a_cluster_role_for_the_wrong_account_is_told(namespace, bind):
    bind("default")
    assert may_exactly("idle", READ, "configmaps") == (
        f"403 for get on configmaps: RoleBinding `{namespace}-view` allows it to "
        f"ServiceAccount `default` of namespace {namespace}, not to ServiceAccount "
        f"`idle` of namespace {namespace}."
    )


def test_a_right_in_every_namespace_is_too_much(namespace, bind):
    bind("roamer", "clusterrolebinding")
    assert may_exactly("roamer", READ, "configmaps") == (
        "roamer may also get configmaps -n default: that is too much. Take a "
        "RoleBinding, not a ClusterRoleBinding."
    )


TOKEN = {"audience": "vault", "lifetime": 900, "bound_to": "secret/lease"}
ASKED = {"audience": "vault", "duration": "15m", "bound_to": "secret/lease"}


@pytest.fixture(scope="module")
def lease(namespace):
    kubectl("create", "secret", "generic", "lease")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, ""),
        ({"audience": ["vault", "other"]}, "It is meant for vault, other, not for va"),
        ({"duration": "1h"}, "It lives 3600 s, not 900 s."),
        ({"bound_to": ""}, "It is bound to nothing, not to secret/lease."),
    ],
)
def test_each_part_of_a_token_is_looked_at(lease, change, says):
    diagnosis = token_is(create_token(**{**ASKED, **change}), **TOKEN)
    assert diagnosis.startswith(says) if says else diagnosis == ""


def test_the_server_has_to_believe_a_token(lease):
    """A forgery has the right claims, too."""
    forged = tamper(create_token(**{**ASKED, "duration": "1h"}), exp=0, iat=-900)
    assert token_is(forged, **TOKEN).startswith("The server refuses it: ")
