"""The rights that are asked for: what they are not, and that a server takes them."""

import json

import pytest
import yaml

from cluster.existing import rbac
from tests.commandline import helpers


def rules(*, of):
    [role] = [each for each in rbac.objects("anna") if each["metadata"]["name"] == of]
    return role["rules"]


@pytest.mark.parametrize("role", [rbac.EVERYWHERE, rbac.LESSON])
def test_nothing_is_asked_for_by_a_star(role):
    assert "*" not in json.dumps(rules(of=role))


def test_outside_of_lessons_only_namespaces_and_bindings_are_written():
    """And no Secret is read, and nobody is impersonated."""
    reads = {"get", "list", "watch"}
    writes = {
        resource: set(rule["verbs"]) - reads
        for rule in rules(of=rbac.EVERYWHERE)
        for resource in rule.get("resources", ())
        if set(rule["verbs"]) - reads
    }
    assert writes == {
        "namespaces": {"create", "patch", "delete"},
        "tokenreviews": {"create"},
        "subjectaccessreviews": {"create"},
        "rolebindings": {"create"},
        "clusterroles": {"bind"},
    }
    outside = {
        r for rule in rules(of=rbac.EVERYWHERE) for r in rule.get("resources", ())
    }
    assert not outside & {"secrets", "configmaps", "users", "groups"}


def test_only_the_role_of_lessons_can_be_bound():
    [bind] = [rule for rule in rules(of=rbac.EVERYWHERE) if "bind" in rule["verbs"]]
    assert bind["resourceNames"] == [rbac.LESSON]


def test_the_fence_comes_first_and_can_be_left_out():
    """No moment with the rights and without the policy."""
    roles = ["ClusterRole", "ClusterRole", "ClusterRoleBinding"]
    fence = ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"]
    assert [each["kind"] for each in rbac.objects("anna")] == fence + roles
    assert [each["kind"] for each in rbac.objects("anna", policy=False)] == roles
    assert "needs Kubernetes 1.30" in rbac.manifest("anna")
    assert "1.30" not in rbac.manifest("anna", policy=False)


def test_without_the_policy_s_kind_the_rest_is_applied(mine):
    """What is said of Kubernetes below 1.30; no server of that age is here."""
    text = rbac.manifest("carla").replace("ValidatingAdmission", "OlderAdmission")
    done = mine.apply(text)
    assert done.returncode == 1 and "no matches for kind" in done.stderr
    assert len(done.stdout.splitlines()) == 3


def test_two_users_do_not_take_each_other_s_rights():
    def own(user):
        kinds = "ClusterRoleBinding", "ValidatingAdmissionPolicy"
        found = rbac.objects(user)
        return {o["metadata"]["name"] for o in found if o["kind"].startswith(kinds)}

    assert not own("anna") & own("bob")


def test_a_name_with_a_quote_stays_a_name():
    found = yaml.safe_load_all(rbac.manifest("o'hara"))
    [policy] = [o for o in found if o["kind"] == "ValidatingAdmissionPolicy"]
    condition = policy["spec"]["matchConditions"][0]["expression"]
    assert condition == r"request.userInfo.username == 'o\'hara'"


def test_the_command_prints_what_a_server_takes(mine, used):
    """Bad expressions in the policy would be refused; a warning would be said."""
    text = helpers("rbac", "--serviceaccount", "team:anna", check=True).stdout
    assert "system:serviceaccount:team:anna" in text
    done = mine.apply(text)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 5 and "arning" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [(), ("--user", "a", "--serviceaccount", "b:c"), ("--serviceaccount", "nobody")],
)
def test_a_user_has_to_be_named(arguments):
    assert helpers("rbac", *arguments).returncode == 2
