"""The objects that `use` makes and `rbac` prints are right, and a server takes them."""

import json
import subprocess

import pytest
import yaml

from cluster.existing import account, rbac
from cluster.existing.kubectl import KubectlClient
from cluster.programs import find_kubectl
from cluster.tests.commandline import environment, helpers
from cluster.tests.existing.acting import kubectl, record
from cluster.tests.existing.conftest import use
from cluster.waiting import poll

ANNA = "anna"


def rules(*, of):
    found = [each for each in rbac.objects(ANNA) if each["kind"] == "ClusterRole"]
    [role] = [each for each in found if each["metadata"]["name"] == of]
    return role["rules"]


@pytest.mark.parametrize("role", [rbac.name(ANNA), rbac.lesson_role(ANNA)])
def test_nothing_is_asked_for_by_a_star(role):
    assert "*" not in json.dumps(rules(of=role))


def test_only_namespaces_and_bindings_are_written_cluster_wide():
    """And no Secret is read, nobody is impersonated, and one role can be bound."""
    reads = {"get", "list", "watch"}
    found = rules(of=rbac.name(ANNA))
    writes = {
        resource: set(rule["verbs"]) - reads
        for rule in found
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
    named = {resource for rule in found for resource in rule.get("resources", ())}
    assert not named & {"secrets", "configmaps", "users", "groups"}
    [bind] = [rule for rule in found if "bind" in rule["verbs"]]
    assert bind["resourceNames"] == [rbac.lesson_role(ANNA)]


def test_the_policy_comes_first_and_can_be_left_out():
    """No moment with the rights and without the policy."""
    roles = ["ClusterRole", "ClusterRole", "ClusterRoleBinding"]
    policy = ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"]
    assert [each["kind"] for each in rbac.objects(ANNA)] == policy + roles
    assert [each["kind"] for each in rbac.objects(ANNA, policy=False)] == roles


def test_two_users_share_no_object():
    names = [{each["metadata"]["name"] for each in rbac.objects(u)} for u in "ab"]
    assert not names[0] & names[1]


def test_a_name_with_a_quote_stays_a_name():
    policy = rbac.objects(r"o'ha\ra")[0]
    condition = policy["spec"]["matchConditions"][0]["expression"]
    assert condition == r"request.userInfo.username == 'o\'ha\\ra'"


@pytest.mark.parametrize(
    "arguments", [(), ("--user", "a", "--account", "b"), ("--account", "No Name")]
)
def test_somebody_has_to_be_named(arguments):
    assert helpers("rbac", *arguments).returncode == 2


def test_an_administrator_hands_out_what_is_printed(mine, state, used, tmp_path):
    """By the commands in its head; `use` proves the policy, and makes nothing."""
    text = helpers("rbac", "--account", ANNA, check=True).stdout
    done = mine.apply(text)
    assert done.returncode == 0 and "arning" not in done.stderr, done.stderr
    head = text.partition("apiVersion: admission")[0]
    lines = [line[2:] for line in head.splitlines() if line.startswith("# ")]
    admin = mine.kubeconfig(tmp_path / "admin.yaml")
    first = lines.index(f"umask 077; cat > {ANNA}.kubeconfig <<END")
    shell = "\n".join(lines[first : lines.index("END") + 1])
    path = f"{find_kubectl()}:/usr/bin:/bin"
    subprocess.run(
        ["bash", "-euc", shell],
        env=environment({"KUBECONFIG": admin, "PATH": path}),
        cwd=tmp_path,
        check=True,
    )
    file = tmp_path / f"{ANNA}.kubeconfig"
    assert file.stat().st_mode & 0o777 == 0o600
    anna = KubectlClient(file, "lessons", mine.url)
    # A policy counts a moment after it was made; nobody hands out a file that fast.
    assert poll(lambda: not account.policy_problem(anna, rbac.user_of(ANNA)), 30)
    mine.forget()
    done = use(state, file, context="lessons")
    assert done.returncode == 0, done.stderr
    assert "already" in done.stderr and "makes" not in done.stderr
    assert mine.writes() == []
    assert (record(state).user, record(state).account_made) == (
        rbac.user_of(ANNA),
        False,
    )
    assert rbac.user_of(ANNA) in kubectl(state, "auth", "whoami").stdout
    # `delete` leaves the printed objects to the person who applied them.
    helpers("delete", "--yes", env=state, check=True)
    assert mine.writes() == []
    assert mine.kubectl("delete", "--wait=false", "-f", "-", input=text).returncode == 0
    marked = f"--selector={rbac.ACCOUNT}={rbac.key(rbac.user_of(ANNA))}"
    assert mine.names("clusterroles,validatingadmissionpolicies", marked) == []


def test_a_known_user_needs_no_account():
    text = helpers("rbac", "--user", "o'hara", check=True).stdout
    kinds = {each["kind"] for each in yaml.safe_load_all(text)}
    assert "ClusterRoleBinding" in kinds and "ServiceAccount" not in kinds


def test_a_label_of_digits_stays_a_text():
    """YAML takes it for a number otherwise, and the server takes no number."""
    user = next(name for i in range(999) if rbac.key(name := f"u{i}").isdigit())
    for each in rbac.objects(user, account="a", image="r.example/t:1"):
        assert each["metadata"]["labels"] == {rbac.ACCOUNT: rbac.key(user)}
