"""What a ClusterRole gives in a namespace, and what it gives everywhere.

The sentence for each mistake in a Role is among the answers to the exercise of lesson
06, `tests/helpers/checks/answers.toml`.
"""

from helpers.command import kubectl
from helpers.grants import fault_of_grant

READ = ["get", "list", "watch"]


def test_a_cluster_role_is_bound_in_a_namespace_and_not_in_every_one(namespace):
    words = (f"{namespace}-view", "--clusterrole=view")
    who = f"--serviceaccount={namespace}:viewer"
    kubectl("create", "rolebinding", *words, who)
    assert fault_of_grant("viewer", READ, "configmaps") == ""
    assert fault_of_grant("idle", READ, "configmaps") == (
        f"idle gets 403 for get on configmaps. RoleBinding `{namespace}-view` allows "
        f"it to ServiceAccount `{namespace}:viewer`, not to ServiceAccount "
        f"`{namespace}:idle`."
    )
    kubectl("create", "clusterrolebinding", *words, who)
    try:
        said = fault_of_grant("viewer", READ, "configmaps")
    finally:
        kubectl("delete", "clusterrolebinding", words[0])
    assert said == (
        "viewer may also get configmaps -n default: that is too much. Use a "
        "RoleBinding, not a ClusterRoleBinding."
    )
