"""Describe the least rights with which the lessons work, as objects for kubectl. Pure.

Names of namespaces are born with the lessons, and RBAC cannot speak of what is not
there yet. So there are two roles: EVERYWHERE is bound once, and allows to read, to make
namespaces, and to bind LESSON. A policy sees to it that this happens in namespaces of
the lessons alone, and in those that the same user made: RBAC allows it anywhere.
"""

import hashlib

from cluster.existing.rules import LABEL, MANAGER

EVERYWHERE = MANAGER
LESSON = f"{MANAGER}-lesson"
#: annotation of a namespace: who made it, by the name that the server has for them
USER = "kubernetes-api-notebooks/user"
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


#: what is read of the cluster, and how a lesson gets its namespace
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
    # How the user gets the other role in a namespace that it has made.
    _rule(_RBAC, "rolebindings", "create"),
    _rule(_RBAC, "clusterroles", "bind", names=LESSON),
    # Lessons show what is there, and that some of the book's paths are gone.
    {
        "nonResourceURLs": [
            *("/", "/nosuch", "/swaggerapi", "/swagger.json", "/swagger-ui", "/ui")
        ],
        "verbs": ["get"],
    },
)
#: What is done in a lesson's namespace. Who makes a Role must hold what is in it, so
#: the rights that lessons hand on to pods are among these.
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


#: what an administrator reads first; kubectl goes on after a kind that is not there
_NEEDS = """\
# The policy needs Kubernetes 1.30. Before that kubectl says `no matches for kind`, and
# applies the rest: this user then has the rights below in every namespace.
"""


def manifest(user: str, *, policy: bool = True) -> str:
    """Return the objects for a user as YAML, for `kubectl apply -f -`.

    A ServiceAccount is a user named system:serviceaccount:NAMESPACE:NAME.
    """
    import yaml

    class Readable(yaml.SafeDumper):
        """Writes each expression in the lines that it has here."""

    Readable.add_representer(
        str,
        lambda dumper, text: dumper.represent_scalar(
            "tag:yaml.org,2002:str", text, style="|" if "\n" in text else None
        ),
    )
    parts = objects(user, policy=policy)
    text = yaml.dump_all(
        parts, Dumper=Readable, sort_keys=False, default_flow_style=None, width=88
    )
    return f"{_NEEDS}{text}" if policy else text


def objects(user: str, *, policy: bool = True) -> list[dict]:
    """Return the policy, the roles and the binding; policy and binding are one user's.

    In this order nothing is allowed before there is a fence around it.
    """
    own = f"{MANAGER}-{hashlib.sha256(user.encode()).hexdigest()[:8]}"
    return [
        *(_fence(own, user) if policy else ()),
        _object(_RBAC, "ClusterRole", EVERYWHERE, rules=list(OUTSIDE)),
        _object(_RBAC, "ClusterRole", LESSON, rules=list(INSIDE)),
        _object(
            *(_RBAC, "ClusterRoleBinding", own),
            roleRef={"apiGroup": _RBAC, "kind": "ClusterRole", "name": EVERYWHERE},
            subjects=[{"apiGroup": _RBAC, "kind": "User", "name": user}],
        ),
    ]


#: The namespaces that a write is about. Of a namespace itself: as it was, and as it is
#: to be; there is no old one of what is made, and no new one of what is deleted.
_NAMESPACES = """\
request.resource.resource == 'namespaces' && request.resource.group == ''
? [oldObject, object].filter(n, n != null)
: [namespaceObject]
"""
#: null is the namespace of what is in none
_THEIRS = f"""\
variables.namespaces.all(n, n != null
&& n.metadata.?labels[?'{LABEL}'].orValue('') == '{MANAGER}'
&& n.metadata.?annotations[?'{USER}'].orValue('') == request.userInfo.username)
"""


def _fence(name: str, user: str) -> list[dict]:
    """Return the policy that keeps the writes of a user in its own namespaces."""
    quoted = user.replace("\\", "\\\\").replace("'", "\\'")
    everything = {
        "apiGroups": ["*"],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE", "DELETE", "CONNECT"],
        "resources": ["*/*"],
    }
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [everything]},
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
                "expression": _THEIRS,
                "message": "this user writes to its own namespaces of lessons alone",
            }
        ],
    }
    bound = {"policyName": name, "validationActions": ["Deny"]}
    return [
        _object(_ADMISSION, "ValidatingAdmissionPolicy", name, spec=spec),
        _object(_ADMISSION, "ValidatingAdmissionPolicyBinding", name, spec=bound),
    ]


def _object(group: str, kind: str, name: str, **parts) -> dict:
    head = {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"name": name}}
    return head | parts
