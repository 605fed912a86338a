"""What a check says of a Role and its binding: a missing link, or too much."""

import pytest

from helpers import kubectl, pods
from helpers.checks import rights
from tests.local.waiting import until

READ = ["get", "list"]


def role(name="reader", groups=("",), resources=("configmaps",), verbs=READ, **rule):
    rule |= {"apiGroups": [*groups], "resources": [*resources], "verbs": [*verbs]}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": name},
        "rules": [rule],
    }


def binding(account, namespace, role="reader", kind="RoleBinding", of="Role"):
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": "reads"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": of,
            "name": role,
        },
        "subjects": [
            {"kind": "ServiceAccount", "name": account, "namespace": namespace}
        ],
    }


@pytest.mark.parametrize(
    ("roles", "bindings", "said"),
    [
        ([role()], [binding("app", "ns")], ""),
        ([role(groups="*", resources="*", verbs="*")], [binding("app", "ns")], ""),
        ([], [], "No Role in the namespace ns allows get, list on configmaps."),
        ([role(resources=["pods"])], [], "No Role in the namespace ns allows"),
        ([role(verbs=["get"])], [], "Role reader lacks list on configmaps."),
        ([role(groups=["apps"])], [], "in the API group apps; they are in the core gr"),
        ([role(resourceNames=["one"])], [], "only some configmaps, by resourceNames"),
        ([role()], [], "Role reader allows get, list on configmaps, but no RoleBind"),
        ([role()], [binding("app", "ns", role="other")], "but no RoleBinding names it"),
        (
            [role()],
            [binding("default", "ns")],
            "names the ServiceAccount default of the namespace ns; the pod runs as",
        ),
        ([role()], [binding("app", "default")], "app of the namespace default; the"),
        ([role()], [binding("app", "ns") | {"subjects": []}], "nobody in `subjects`"),
    ],
)
def test_the_missing_link_is_named(roles, bindings, said):
    """Role, binding, subject, in the order in which one looks."""
    diagnosis = rights.why_not_allowed(
        "app", READ, "configmaps", "ns", roles=roles, bindings=bindings
    )
    assert said in diagnosis and bool(said) == bool(diagnosis)
    assert len(diagnosis.splitlines()) <= 1


def test_the_server_has_the_last_word(namespace):
    """From nothing to exactly enough, and then too much in each way."""

    def diagnosis():
        return rights.account_may_only("app", READ, "configmaps", namespace=namespace)

    assert diagnosis().startswith("No Role in the namespace")
    pods.apply(role())
    assert "no RoleBinding names it" in diagnosis()
    pods.apply(binding("app", namespace))
    assert diagnosis() == ""
    for name, wider, said in (
        ("verbs", role("verbs", verbs=["delete"]), "may also delete configmaps"),
        ("secrets", role("secrets", resources=["secrets"]), "may also get secrets"),
    ):
        more = binding("app", namespace, role=name)
        pods.apply([wider, more | {"metadata": {"name": name}}])
        assert (
            rights.account_may(
                "app",
                wider["rules"][0]["verbs"],
                wider["rules"][0]["resources"][0],
                namespace=namespace,
            )
            == ""
        )
        assert said in diagnosis()
        kubectl("delete", "role,rolebinding", name)


def test_a_right_in_every_namespace_is_too_much(namespace):
    """A ClusterRoleBinding gives what was asked for, and in the default one, too."""
    wide = binding("app", namespace, "view", "ClusterRoleBinding", "ClusterRole")
    wide["metadata"]["name"] = f"{namespace}-wide"
    pods.apply([role(), binding("app", namespace), wide])
    user = f"--as=system:serviceaccount:{namespace}:app"
    asked = ("auth", "can-i", "list", "configmaps", "--namespace=default", user)
    try:
        until(lambda: kubectl(*asked, check=False).stdout == "yes\n")
        said = rights.account_may_only(
            "app", [*READ, "watch"], "configmaps", namespace=namespace
        )
    finally:
        kubectl("delete", "clusterrolebinding", wide["metadata"]["name"])
    assert "configmaps in the namespace default too" in said
