"""Describe an account for the lessons and the fence around it, as objects. Pure.

Names of namespaces are born with the lessons, and RBAC cannot speak of what is not
there yet. So there are two ClusterRoles: one is bound once, and allows to read, to make
namespaces, and to bind the other. A ValidatingAdmissionPolicy keeps all of this in
namespaces of lessons that carry the account's label: RBAC allows it anywhere.
"""

import hashlib
import json
import re

from cluster.backend import LABEL, MANAGER
from cluster.existing.record import TOOLBOX

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
_RBAC, _ADMISSION = "rbac.authorization.k8s.io", "admissionregistration.k8s.io"
_QUESTIONS = ("authentication.k8s.io", "authorization.k8s.io")
#: some verbs of it are for cells that are run again, and for what a learner takes back
_KEEP = ("get", "list", "create", "patch", "delete")
#: also of what is waited for, or followed
_EDIT = (*_KEEP, "watch")


def _rule(groups: str, resources: str, verbs, *, names: str = "") -> dict:
    """Return a rule; the core group is written as a dash."""
    rule = {
        "apiGroups": ["" if group == "-" else group for group in groups.split()],
        "resources": resources.split(),
        "verbs": list(verbs.split() if isinstance(verbs, str) else verbs),
    }
    return rule | ({"resourceNames": names.split()} if names else {})


#: cluster-scoped rules: what is read, and how a lesson gets its namespace
OUTSIDE = (
    _rule("-", "namespaces", _EDIT),
    _rule("-", "nodes", "get list"),
    _rule("-", "pods", "list"),
    # `kubectl cluster-info` lists those of kube-system.
    _rule("-", "services", "list"),
    _rule("-", "services", "get", names="kubernetes"),
    _rule("discovery.k8s.io", "endpointslices", "list"),
    _rule("batch", "jobs", "list"),
    # Lesson 06 looks for grants that are too wide; what it finds cannot be changed.
    _rule(_RBAC, "roles rolebindings clusterroles clusterrolebindings", "list"),
    _rule(
        *(_RBAC, "clusterroles", "get"),
        names="system:discovery system:public-info-viewer",
    ),
    # kubectl asks whether a kind is one of those, before it sends a TokenReview.
    _rule("apiextensions.k8s.io", "customresourcedefinitions", "list"),
    # Questions: what a token is worth, and what others may do. They change nothing.
    _rule(_QUESTIONS[0], "tokenreviews", "create"),
    _rule(_QUESTIONS[1], "subjectaccessreviews", "create"),
    # How the account gets the other role in a namespace that it has made.
    _rule(_RBAC, "rolebindings", "create"),
    # Lessons show what is there, and that some of the book's paths are gone.
    {
        "nonResourceURLs": [
            *("/", "/nosuch", "/swaggerapi", "/swagger.json", "/swagger-ui", "/ui")
        ],
        "verbs": ["get"],
    },
)
#: Namespaced rules: what is done in a lesson's namespace. Who makes a Role must hold
#: what is in it, so the rights that lessons hand on to pods are among these.
INSIDE = (
    _rule("-", "pods", _EDIT),
    _rule("-", "pods/log", "get"),
    _rule("-", "pods/exec", "get create"),
    _rule("-", "pods/ephemeralcontainers", "patch"),
    _rule("-", "pods/resize", "get patch"),
    _rule("-", "configmaps", (*_KEEP, "update")),
    _rule("-", "secrets serviceaccounts", _KEEP),
    _rule("-", "serviceaccounts/token", "create"),
    # `kubectl auth can-i --list --as=…` speaks as one of those that are in there.
    _rule("-", "serviceaccounts", "impersonate"),
    _rule("-", "events", "list"),
    _rule("apps", "deployments", _EDIT),
    _rule("batch", "jobs", _EDIT),
    _rule("batch", "cronjobs", _KEEP),
    _rule("networking.k8s.io", "ingresses", "list"),
    _rule(_RBAC, "roles rolebindings", _KEEP),
)


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


def account_objects(account: str) -> list[dict]:
    """Return the namespace and the ServiceAccount of a learner.

    The namespace lacks the label of a lesson's: the account itself cannot write to it.
    """
    labels = _marks(user_of(account))
    return [
        _object("", "Namespace", home(account), labels),
        _object("", "ServiceAccount", LEARNER, labels, namespace=home(account)),
    ]


def fence(user: str) -> list[dict]:
    """Return the policy that keeps the writes of a user in its own namespaces."""
    required = (_HAS.format(*label) for label in namespace_labels(user).items())
    quoted = user.replace("\\", "\\\\").replace("'", "\\'")
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "resourceRules": [
                {
                    "apiGroups": ["*"],
                    "apiVersions": ["*"],
                    "operations": ["CREATE", "UPDATE", "DELETE", "CONNECT"],
                    "resources": ["*/*"],
                }
            ]
        },
        "matchConditions": [
            {"name": "user", "expression": f"request.userInfo.username == '{quoted}'"},
            {
                "name": "no-question",
                "expression": f"!(request.resource.group in {list(_QUESTIONS)})",
            },
        ],
        "variables": [{"name": "namespaces", "expression": _NAMESPACES}],
        "validations": [
            {
                "expression": _THEIRS.format(labels=" &&".join(required)),
                "message": REFUSED,
                "reason": "Forbidden",
            }
        ],
    }
    bound = {"policyName": name(user), "validationActions": ["Deny"]}
    return _policy("ValidatingAdmissionPolicy", user, spec, bound)


def image_policy(user: str, image: str) -> list[dict]:
    """Return the policy that replaces toolbox:1 in pods of a user's namespaces."""
    patches = ", ".join(
        _REPLACED.format(field=field, old=TOOLBOX, new=json.dumps(image))
        for field in ("containers", "initContainers", "ephemeralContainers")
    )
    spec = {
        "failurePolicy": "Fail",
        "reinvocationPolicy": "IfNeeded",
        "matchConstraints": {
            "namespaceSelector": {"matchLabels": {ACCOUNT: key(user)}},
            "resourceRules": [
                {
                    "apiGroups": [""],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": ["pods", "pods/ephemeralcontainers"],
                }
            ],
        },
        "mutations": [
            {
                "patchType": "ApplyConfiguration",
                "applyConfiguration": {
                    "expression": f"Object{{spec: Object.spec{{{patches}}}}}"
                },
            }
        ],
    }
    bound = {"policyName": name(user)}
    return _policy("MutatingAdmissionPolicy", user, spec, bound)


def roles(user: str) -> list[dict]:
    """Return the two ClusterRoles of a user, and the binding of the one."""
    bind = _rule(_RBAC, "clusterroles", "bind", names=lesson_role(user))
    marks, group = _marks(user), f"{_RBAC}/v1"
    return [
        _object(group, "ClusterRole", lesson_role(user), marks, rules=list(INSIDE)),
        _object(group, "ClusterRole", name(user), marks, rules=[*OUTSIDE, bind]),
        _object(
            *(group, "ClusterRoleBinding", name(user), marks),
            roleRef={"apiGroup": _RBAC, "kind": "ClusterRole", "name": name(user)},
            subjects=[{"apiGroup": _RBAC, "kind": "User", "name": user}],
        ),
    ]


def objects(user: str, *, policy: bool = True, image: str = TOOLBOX) -> list[dict]:
    """Return the cluster-scoped objects of a user.

    In this order nothing is allowed before there is a fence around it.
    """
    return [
        *(fence(user) if policy else ()),
        *(image_policy(user, image) if image != TOOLBOX else ()),
        *roles(user),
    ]


def binding(user: str, namespace: str) -> dict:
    """Return the RoleBinding by which a user may work in a namespace of a lesson.

    The same as `kubectl create rolebinding NAME --clusterrole=NAME --user=USER`.
    """
    role = lesson_role(user)
    return _object(
        *(f"{_RBAC}/v1", "RoleBinding", role, {}),
        namespace=namespace,
        roleRef={"apiGroup": _RBAC, "kind": "ClusterRole", "name": role},
        subjects=[{"apiGroup": _RBAC, "kind": "User", "name": user}],
    )


def is_name(text: str) -> bool:
    """Say whether a text can be the name of a namespace."""
    return len(text) < 64 and bool(re.fullmatch("[a-z0-9]([-a-z0-9]*[a-z0-9])?", text))


def handover(account: str) -> str:
    """Return, as comments, the commands that make a kubeconfig for an account."""
    return _HANDOVER.format(
        account=account,
        home=home(account),
        learner=LEARNER,
        cluster="'{.clusters[0].cluster}'",
    )


def manifest(parts: list[dict]) -> str:
    """Return objects as YAML for `kubectl apply -f -`; expressions keep their lines."""
    import yaml

    class Readable(yaml.SafeDumper):
        """Writes each expression in the lines that it has here."""

    Readable.add_representer(
        str,
        lambda dumper, text: dumper.represent_scalar(
            "tag:yaml.org,2002:str", text, style="|" if "\n" in text else None
        ),
    )
    return yaml.dump_all(
        parts, Dumper=Readable, sort_keys=False, default_flow_style=None, width=88
    )


#: a here-document keeps the token off every command line
_HANDOVER = """\
# Apply this; then make a kubeconfig for the learner, who names it with
# `python -m helpers use --kubeconfig {account}.kubeconfig --context lessons`:
#
# umask 077; cat > {account}.kubeconfig <<END
# apiVersion: v1
# kind: Config
# current-context: lessons
# clusters:
# - name: lessons
#   cluster: $(kubectl config view --minify --flatten --raw -o jsonpath={cluster})
# contexts: [{{name: lessons, context: {{cluster: lessons, user: {learner}}}}}]
# users:
# - name: {learner}
#   user:
#     token: $(kubectl create token {learner} -n {home} --duration=24h)
# END
"""
#: The namespaces that a write is about. Of a namespace itself: as it was, and as it is
#: to be; there is no old one of what is made, and no new one of what is deleted.
_NAMESPACES = """\
request.resource.resource == 'namespaces' && request.resource.group == ''
? [oldObject, object].filter(n, n != null)
: [namespaceObject]
"""
#: null is the namespace of what is cluster-scoped
_THEIRS = "variables.namespaces.all(n, n != null && {labels})"
_HAS = "\nn.metadata.?labels[?'{0}'].orValue('') == '{1}'"
_REPLACED = """\
{field}: object.spec.?{field}.orValue([])
.filter(c, c.?image.orValue('') == '{old}')
.map(c, Object.spec.{field}{{name: c.name, image: {new}}})\
"""


def _policy(kind: str, user: str, spec: dict, bound: dict) -> list[dict]:
    marks, group = _marks(user), f"{_ADMISSION}/v1"
    return [
        _object(group, kind, name(user), marks, spec=spec),
        _object(group, f"{kind}Binding", name(user), marks, spec=bound),
    ]


def _marks(user: str) -> dict[str, str]:
    return {ACCOUNT: key(user)}


def _object(
    version: str, kind: str, name: str, labels: dict, *, namespace: str = "", **parts
) -> dict:
    metadata = {"name": name, "labels": labels}
    metadata |= {"namespace": namespace} if namespace else {}
    return {"apiVersion": version or "v1", "kind": kind, "metadata": metadata} | parts
