"""Rules and bindings: the smallest that allow, those that nearly do, those too big."""

import pytest
import yaml

from helpers.rbac import objects as rbac
from helpers.rbac.objects import Attributes, Objects

READER = "system:serviceaccount:home:reader"
API = "rbac.authorization.k8s.io/v1"
LIST = Attributes(user=READER, verb="list", resource="pods", namespace="home")


def role(name="r", namespace="home", kind="Role", **rule):
    metadata = {"name": name, **({"namespace": namespace} if kind == "Role" else {})}
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"], **rule}]
    return {"kind": kind, "metadata": metadata, "rules": rules}


def account(name="reader", namespace="home"):
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


def binding(*subjects, name="b", namespace="home", to="r", to_kind="Role"):
    kind = "RoleBinding" if namespace else "ClusterRoleBinding"
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {
        "kind": kind,
        "metadata": metadata,
        "subjects": list(subjects),
        "roleRef": {"kind": to_kind, "name": to},
    }


def test_the_smallest_role_in_a_namespace():
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role"}
    assert rbac.minimal_objects(LIST) == [
        {
            "apiVersion": API,
            "kind": "Role",
            "metadata": {"name": "reader-list-pods", "namespace": "home"},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}],
        },
        {
            "apiVersion": API,
            "kind": "RoleBinding",
            "metadata": {"name": "reader-list-pods", "namespace": "home"},
            "subjects": [account()],
            "roleRef": {**reference, "name": "reader-list-pods"},
        },
    ]


@pytest.mark.parametrize(
    ("attributes", "rule"),
    [
        (
            Attributes(READER, "get", "jobs", "batch", name="my-job", namespace="home"),
            {
                "apiGroups": ["batch"],
                "resources": ["jobs"],
                "verbs": ["get"],
                "resourceNames": ["my-job"],
            },
        ),
        (
            Attributes(READER, "create", "pods", "", "exec", "q", "home"),
            {
                "apiGroups": [""],
                "resources": ["pods/exec"],
                "verbs": ["create"],
                "resourceNames": ["q"],
            },
        ),
        *(
            # The name is in no path of such a request when RBAC decides.
            (
                Attributes(READER, verb, "pods", name="new", namespace="home"),
                {"apiGroups": [""], "resources": ["pods"], "verbs": [verb]},
            )
            for verb in ("list", "watch", "create", "deletecollection")
        ),
        (
            Attributes(READER, "get", path="/metrics"),
            {"nonResourceURLs": ["/metrics"], "verbs": ["get"]},
        ),
    ],
)
def test_a_rule_names_only_what_was_asked(attributes, rule):
    made, _ = rbac.minimal_objects(attributes)
    assert made["rules"] == [rule]
    assert rbac.allows(rule, attributes)


def test_at_the_cluster_scope_names_keep_two_learners_apart():
    """Cluster roles share one room, and they need both kinds with Cluster in it."""
    made = rbac.minimal_objects(Attributes(READER, "list", "nodes"))
    assert [one["kind"] for one in made] == ["ClusterRole", "ClusterRoleBinding"]
    assert [one["metadata"] for one in made] == [{"name": "home-reader-list-nodes"}] * 2
    assert made[1]["roleRef"]["kind"] == "ClusterRole"


def test_a_user_is_a_subject_without_a_namespace():
    group = "rbac.authorization.k8s.io"
    person = {"kind": "User", "apiGroup": group, "name": "jane@example.com"}
    assert rbac.subject_of("jane@example.com") == person
    made = rbac.minimal_objects(Attributes("jane@example.com", "get", path="/"))
    assert made[0]["metadata"] == {"name": "jane-example.com-get"}
    assert rbac.subject_of(READER) == account()


def test_yaml_is_what_was_described():
    """No anchors, short lists inline: a learner reads it, kubectl takes it."""
    text = rbac.to_yaml(rbac.minimal_objects(LIST))
    assert list(yaml.safe_load_all(text)) == rbac.minimal_objects(LIST)
    assert "verbs: [list]" in text and "&" not in text


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        ({}, True),
        ({"verbs": ["*"]}, True),
        ({"resources": ["*"], "apiGroups": ["*"]}, True),
        ({"verbs": ["get", "watch"]}, False),
        ({"resources": ["pods/log"]}, False),
        ({"apiGroups": ["apps"]}, False),
        ({"resourceNames": ["q"]}, False),
    ],
)
def test_what_a_rule_allows(change, allowed):
    assert rbac.allows(role(**change)["rules"][0], LIST) is allowed


@pytest.mark.parametrize(
    ("resources", "allowed"),
    [(["pods/exec"], True), (["*/exec"], True), (["*"], True), (["pods"], False)],
)
def test_a_subresource_has_a_right_of_its_own(resources, allowed):
    rule = {"apiGroups": [""], "resources": resources, "verbs": ["create"]}
    request = Attributes(READER, "create", "pods", subresource="exec", namespace="home")
    assert rbac.allows(rule, request) is allowed


@pytest.mark.parametrize(
    ("url", "allowed"), [("/", False), ("/api", True), ("/ap*", True), ("*", True)]
)
def test_what_is_no_resource_is_allowed_by_its_path(url, allowed):
    rule = {"nonResourceURLs": [url], "verbs": ["get"]}
    assert rbac.allows(rule, Attributes(READER, "get", path="/api")) is allowed


@pytest.mark.parametrize(
    ("bindings", "roles", "sentences"),
    [
        pytest.param(
            [binding(account("default"))],
            [role()],
            [
                "RoleBinding `b` allows it to ServiceAccount `home:default`, not to "
                "ServiceAccount `home:reader`."
            ],
            id="another account",
        ),
        pytest.param(
            [binding(account())],
            [role(verbs=["get", "watch"])],
            ["RoleBinding `b` gives `reader` get, watch on pods; that is not enough."],
            id="another verb",
        ),
        pytest.param(
            [binding(account())],
            [role(apiGroups=["apps"])],
            [
                "RoleBinding `b` gives `reader` list on pods (apiGroups: apps); "
                "that is not enough."
            ],
            id="another group",
        ),
        pytest.param(
            [binding(account(), to="typo")],
            [role()],
            [
                "RoleBinding `b` names Role `typo`, which does not exist.",
                "Role `r` allows it, but no RoleBinding names it.",
            ],
            id="no such role",
        ),
        pytest.param(
            [binding(account(), namespace="away")],
            [role(namespace="away")],
            ["RoleBinding `b` allows it only in namespace away."],
            id="another namespace",
        ),
        pytest.param(
            [binding(account("default"), to="c", to_kind="ClusterRole")],
            [role("c", kind="ClusterRole")],
            [
                "RoleBinding `b` allows it to ServiceAccount `home:default`, not to "
                "ServiceAccount `home:reader`."
            ],
            id="a cluster role, to another account",
        ),
        pytest.param(
            # A ClusterRole of that name is another, and those are not spoken of.
            [binding(account(), to="r", to_kind="ClusterRole")],
            [role(), role("r", kind="ClusterRole", verbs=["get"])],
            [
                "RoleBinding `b` gives `reader` get on pods; that is not enough.",
                "Role `r` allows it, but no RoleBinding names it.",
            ],
            id="bound is its namesake",
        ),
        pytest.param(
            [],
            [role(), role(namespace="away"), role("c", kind="ClusterRole")],
            ["Role `r` allows it, but no RoleBinding names it."],
            id="not bound",
        ),
        pytest.param(
            [
                # The server is about to learn of it: what else is wrong is no cause.
                binding(account("default")),
                binding(account(), name="good", to="c", to_kind="ClusterRole"),
            ],
            [role(), role("c", kind="ClusterRole")],
            [],
            id="allowed by now",
        ),
        pytest.param(
            [
                # Bindings to another role, or of admins, are no help.
                binding(account(), to="other"),
                binding(account("x"), name="admin", namespace="", to="c"),
                binding(account("x"), name="system:y"),
            ],
            [role("other", resources=["secrets"]), role("c", kind="ClusterRole")],
            [],
            id="unrelated",
        ),
    ],
)
def test_what_nearly_allows_it(bindings, roles, sentences):
    assert rbac.near_misses(LIST, Objects(bindings, roles)) == sentences


def test_bindings_of_other_applications_are_not_spoken_of():
    """One that allows it still counts, and their roles are not called unbound."""
    objects = Objects([binding(account("default"))], [role()])
    assert rbac.near_misses(LIST, objects, {"b"}) == []
    assert rbac.near_misses(LIST, Objects([], [role("other")]), {"other"}) == []


ADMIN = role("admin", kind="ClusterRole", verbs="*", resources="*", apiGroups="*")


def group(name):
    return {"kind": "Group", "name": name}


@pytest.mark.parametrize(
    ("subject", "named"),
    [
        (account(), True),
        (account("other"), False),
        (account(namespace="other"), False),
        ({"kind": "ServiceAccount", "name": "reader"}, True),
        (group("system:serviceaccounts:home"), True),
        (group("system:masters"), False),
        ({"kind": "User", "name": READER}, True),
        ({"kind": "User", "name": "reader"}, False),
    ],
)
def test_whom_a_binding_names(subject, named):
    groups = ("system:serviceaccounts:home", "system:authenticated")
    assert rbac.has_subject(binding(subject), READER, groups) == named
    bindings = [binding(subject), binding()]
    granted = rbac.granting_bindings(LIST, groups, Objects(bindings, [role()]))
    assert granted == bindings[:named]


def test_a_binding_is_for_others_if_it_names_anyone_besides_the_account():
    user = {"kind": "User", "name": READER}
    assert rbac.other_subjects(binding(account(), user), READER) == ""
    named = binding(account(), account("default"), group("system:authenticated"))
    strangers = "ServiceAccount `home:default`, Group `system:authenticated`"
    assert rbac.other_subjects(named, READER) == strangers


@pytest.mark.parametrize(
    ("subject", "outside"),
    [
        (group("system:masters"), False),
        ({"kind": "User", "name": "system:kube-scheduler"}, False),
        (account("resourcequota-controller", "kube-system"), False),
        (account("default", "default"), True),
        ({"kind": "User", "name": "mallory"}, True),
        (group("system:serviceaccounts:home"), True),
        (group("system:authenticated"), True),
        (group("system:unauthenticated"), True),
    ],
)
def test_who_is_no_part_of_kubernetes(subject, outside):
    assert rbac.has_outsider(binding(subject)) == outside
    assert not rbac.has_outsider(binding())


def test_only_of_a_built_in_binding_without_fields_a_change_is_unknown():
    """An old cluster may have others without; their times are those of creation."""
    built_in, other = binding(account()), binding(account())
    for one in (built_in, other):
        one["metadata"]["creationTimestamp"] = "2020-01-01T00:00:00Z"
    built_in["metadata"]["labels"] = {"kubernetes.io/bootstrapping": "rbac-defaults"}
    since = "2021-01-01T00:00:00Z"
    assert rbac.is_changed(built_in, [], since, unknown=True)
    assert not rbac.is_changed(built_in, [], since, unknown=False)
    assert not rbac.is_changed(other, [], since, unknown=True)
    for one in (built_in, other):
        one["metadata"]["managedFields"] = [{"time": "2020-02-01T00:00:00Z"}]
        assert not rbac.is_changed(one, [], since, unknown=True)
        one["metadata"]["managedFields"] += [{"time": "2021-02-01T00:00:00Z"}]
        assert rbac.is_changed(one, [], since, unknown=False)


def test_rules_are_pairs_of_a_verb_and_a_resource():
    """Resources are written as kubectl does; paths are none, and no more is ""."""
    rules = [
        {"apiGroups": ["", "batch"], "resources": [""], "verbs": ["get"]},
        {"apiGroups": ["", "batch"], "resources": ["jobs"], "verbs": ["get", "list"]},
        {"nonResourceURLs": ["/metrics"], "verbs": ["get"]},
    ]
    assert rbac.pairs(None) == []
    assert rbac.pairs(rules) == [
        ("get", "jobs"),
        ("list", "jobs"),
        ("get", "jobs.batch"),
        ("list", "jobs.batch"),
        ("get", "/metrics"),
    ]


def test_a_grant_of_everything_to_a_broad_group_is_found():
    """The book's, and the same in one namespace; an admin's own is no fault."""
    to = {"to": "admin", "to_kind": "ClusterRole"}
    every = "system:serviceaccounts"
    bindings = [
        binding(group(every), name="permissive-binding", namespace="", **to),
        binding(group(f"{every}:home"), name="local", **to),
        binding(group("system:masters"), name="cluster-admin", namespace="", **to),
        binding(account(), name="one", namespace="", **to),
        binding(group("system:authenticated"), name="small"),
    ]
    assert rbac.over_grants(Objects(bindings, [ADMIN, role()])) == [
        {
            "binding": "permissive-binding",
            "to": "system:serviceaccounts",
            "role": "admin",
            "where": "the whole cluster",
        },
        {
            "binding": "local",
            "to": "system:serviceaccounts:home",
            "role": "admin",
            "where": "home",
        },
    ]


def test_the_cluster_as_it_is_has_no_such_grant(cluster):
    """And the reading is complete: the built-in roles of both kinds are there."""
    objects = rbac.read_rbac()
    names = {one["metadata"]["name"] for one in objects.roles}
    assert {"cluster-admin", "system:discovery"} <= names
    assert {one["kind"] for one in objects.bindings} == {
        "ClusterRoleBinding",
        "RoleBinding",
    }
    assert rbac.over_grants(objects) == []
