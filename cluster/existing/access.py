"""Give the learner's user the rights of the lessons in a namespace that it has made.

Who may do everything has them already. Anybody else got two ClusterRoles from
`python -m helpers rbac`: this binds the one that is for inside.
"""

import json

from cluster import errors
from cluster.existing.rbac import LESSON
from cluster.waiting import until
from helpers.command import kubectl

#: what no lesson can do without, and no reader of a cluster has
_PROBE = ("auth", "can-i", "create", "pods", "--quiet")
#: seconds until a binding must count; it takes about 0.1
TIMEOUT = 20.0


def bind(namespace: str) -> None:
    """Make sure that this user may work in a namespace; raise KubectlFailed if not.

    The same as `kubectl create rolebinding NAME --clusterrole=NAME --user=USER`.
    """
    if _may(namespace):
        return
    review = kubectl("auth", "whoami", "-o", "json").json()
    user = review["status"]["userInfo"]["username"]
    group = "rbac.authorization.k8s.io"
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": LESSON, "namespace": namespace},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": LESSON},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }
    words = ("create", f"--namespace={namespace}", "-f", "-")
    kubectl(*words, input=json.dumps(binding))
    if not until(lambda: _may(namespace), TIMEOUT):
        way_out = "`python -m helpers rbac` prints what an administrator has to apply."
        raise errors.NotReady(f"A right in {namespace}", TIMEOUT, "none", way_out)


def _may(namespace: str) -> bool:
    return kubectl(*_PROBE, f"--namespace={namespace}", check=False).exit_code == 0
