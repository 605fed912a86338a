"""Describe an account for the lessons and the policy around it, as objects. Pure.

RBAC cannot speak of namespaces that are not there yet. So there are two ClusterRoles:
one is bound once, and allows to read, to make namespaces, and to bind the other. RBAC
allows it anywhere; a ValidatingAdmissionPolicy keeps all of this in namespaces that
carry the account's label. The objects are templates in `objects/`.
"""

import hashlib
import json
import re
from importlib import resources
from string import Template
from typing import Any

from cluster.backend import LABEL, MANAGER

#: the image that manifests of lessons name
TOOLBOX = "toolbox:1"
#: label of a namespace: the state directory that it was made from
STATE = f"{MANAGER}/state"
#: label of a namespace, and of all objects of an account: whose it is
ACCOUNT = f"{MANAGER}/account"
#: keeps pods of a namespace from becoming root on a node, and so from leaving it
BASELINE = {"pod-security.kubernetes.io/enforce": "baseline"}
#: the name of the ServiceAccount that `use` makes
LEARNER = "learner"
#: the policy's message
REFUSED = "this account writes to its own namespaces of lessons alone"
#: a condition of the policy for one label, in CEL
_HAS = "n.metadata.?labels[?'{0}'].orValue('') == '{1}'"


def key(user: str) -> str:
    """Return the value of the label ACCOUNT for a user."""
    return hashlib.sha256(user.encode()).hexdigest()[:8]


def name(user: str) -> str:
    """Return the name of the cluster-scoped objects of a user."""
    return f"{MANAGER}-{key(user)}"


def lesson_role(user: str) -> str:
    """Return the name of the ClusterRole that a user binds in its own namespaces."""
    return f"{name(user)}-lesson"


def home(account: str) -> str:
    """Return the namespace of a ServiceAccount that is made for a learner."""
    return f"{MANAGER}-{account}"


def user_of(account: str) -> str:
    """Return the name that the server has for that ServiceAccount."""
    return f"system:serviceaccount:{home(account)}:{LEARNER}"


def namespace_labels(user: str) -> dict[str, str]:
    """Return the labels without which a namespace is closed to a user's writes."""
    return {LABEL: MANAGER, ACCOUNT: key(user)} | BASELINE


def manifest(
    user: str, *, policy: bool = True, image: str = TOOLBOX, account: str = ""
) -> str:
    """Return all objects of a user as YAML, for `kubectl apply -f -`.

    The policy comes first: nothing is allowed before. With `account`, which `user`
    then is, the ServiceAccount is among them.
    """
    files = {
        "policy.yaml": policy,
        "image.yaml": image != TOOLBOX,
        "roles.yaml": True,
        "account.yaml": account,
    }
    quoted = user.replace("\\", "\\\\").replace("'", "\\'")
    labels = namespace_labels(user).items()
    values = {
        "name": name(user),
        "key": key(user),
        "user": json.dumps(user),
        "cel": f"'{quoted}'",
        "labels": "\n      && ".join(_HAS.format(*label) for label in labels),
        "refused": REFUSED,
        "image": json.dumps(image),
        "home": home(account),
    }
    return "---\n".join(_fill(file, values) for file in files if files[file])


def objects(user: str, **options: Any) -> list[dict]:
    """Return all objects of a user; `options` are those of `manifest`."""
    import yaml

    return list(yaml.safe_load_all(manifest(user, **options)))


def handover(account: str) -> str:
    """Return, as comments, the commands that make a kubeconfig for an account."""
    return _fill("handover.txt", {"account": account, "home": home(account)})


def binding(user: str, namespace: str) -> dict:
    """Return the RoleBinding by which a user may work in a namespace of a lesson.

    As `kubectl create rolebinding NAME --clusterrole=NAME --user=USER` makes it.
    """
    group, role = "rbac.authorization.k8s.io", lesson_role(user)
    return {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": role, "namespace": namespace},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }


def is_name(text: str) -> bool:
    """Return whether a text can be the name of a namespace."""
    return len(text) < 64 and bool(re.fullmatch("[a-z0-9]([-a-z0-9]*[a-z0-9])?", text))


def _fill(file: str, values: dict[str, str]) -> str:
    template = resources.files("cluster.existing").joinpath("objects", file)
    return Template(template.read_text("utf-8")).substitute(values)
