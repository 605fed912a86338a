"""Find in RBAC objects what allows a request, nearly allows it, or allows too much.

RBAC is one authorizer of several: `reviews.py` asks the server itself.
"""

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import yaml

from helpers.command import kubectl
from helpers.language import mark, say

GROUP = "rbac.authorization.k8s.io"
_SERVICE_ACCOUNT = "system:serviceaccount:"

_ACCOUNT = re.compile(f"{_SERVICE_ACCOUNT}([^:]+):([^:]+)")
#: beginnings of users that no binding should name, or none can
_UNBINDABLE = (_SERVICE_ACCOUNT, "system:anonymous", "system:node:")
_CLUSTER_WIDE = ("clusterrole", "clusterrolebinding")

#: prefixes of groups that hold many accounts, or everyone
_BROAD = (
    "system:authenticated",
    "system:unauthenticated",
    "system:anonymous",
    "system:serviceaccounts",
)
#: an object or a subject, by its kind
_NAMED = {
    "ClusterRole": mark("ClusterRole `{name}`"),
    "ClusterRoleBinding": mark("ClusterRoleBinding `{name}`"),
    "Group": mark("Group `{name}`"),
    "Role": mark("Role `{name}`"),
    "RoleBinding": mark("RoleBinding `{name}`"),
    "ServiceAccount": mark("ServiceAccount `{name}`"),
    "User": mark("User `{name}`"),
}
#: users and groups that are part of Kubernetes itself
_PART = re.compile(
    r"system:(?!anonymous|(un)?authenticated|serviceaccount(?!:kube-system:))"
)
#: verbs whose request names no object, so that `resourceNames` cannot narrow them
_NAMELESS = ("list", "watch", "create", "deletecollection")


@dataclass(frozen=True)
class Attributes:
    """The attributes of a request that an authorizer decides on.

    `namespace` is empty for cluster-scoped requests; `path` takes the place of
    `resource` for a path that leads to none, such as `/metrics`.
    """

    user: str
    verb: str
    resource: str = ""
    group: str = ""
    subresource: str = ""
    name: str = ""
    namespace: str = ""
    path: str = ""

    @property
    def what(self) -> str:
        """Return the resource as a rule names it: `pods/exec`."""
        return "/".join(part for part in (self.resource, self.subresource) if part)

    @property
    def where(self) -> str:
        """Return the scope in words."""
        if not self.namespace:
            return say("the whole cluster")
        return say("namespace {namespace}", namespace=self.namespace)


class Objects(NamedTuple):
    """Bindings and roles, as the API gives them."""

    bindings: list[dict]
    roles: list[dict]


def read_rbac() -> Objects:
    """Read all bindings and roles of the cluster; raise KubectlFailed.

    The same as `kubectl get roles,clusterroles,rolebindings,clusterrolebindings -A`.
    """
    kinds = "roles,clusterroles,rolebindings,clusterrolebindings"
    # With the times at which fields were changed, for `is_changed`.
    line = ("get", kinds, "-A", "-o", "json", "--show-managed-fields")
    objects = kubectl(*line).json()["items"]
    bindings = [item for item in objects if item["kind"].endswith("Binding")]
    return Objects(bindings, [item for item in objects if item not in bindings])


def minimal_objects(request: Attributes) -> list[dict]:
    """Return the smallest role and binding that allow a request and nothing else."""
    kind, metadata = "ClusterRole", {"name": _name(request)}
    if request.namespace:
        kind, metadata["namespace"] = "Role", request.namespace
    role = {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": metadata}
    binding = {
        **role,
        "kind": f"{kind}Binding",
        "subjects": [subject_of(request.user)],
        "roleRef": {"apiGroup": GROUP, "kind": kind, "name": metadata["name"]},
    }
    return [{**role, "rules": [_rule(request)]}, binding]


def kubectl_commands(request: Attributes) -> list[str]:
    """Return commands that create what `minimal_objects` returns.

    None for a user whose rights are no matter of RBAC, and for a malformed one.
    """
    account = _ACCOUNT.fullmatch(request.user)
    if not account and request.user.startswith(_UNBINDABLE):
        return []
    name, where = _name(request), ""
    if request.namespace:
        where = f" --namespace={shlex.quote(request.namespace)}"
    role, binding = ("role", "rolebinding") if where else _CLUSTER_WIDE
    rule = _rule(request)
    if request.path:
        what = f"--non-resource-url={shlex.quote(request.path)}"
    else:
        slash = "/" if request.subresource else ""
        kind = _kind(request) + slash + request.subresource
        what = f"--resource={shlex.quote(kind)}"
    for single in rule.get("resourceNames", ()):
        what += f" --resource-name={shlex.quote(single)}"
    subject = f"--user={shlex.quote(request.user)}"
    if account:
        subject = f"--serviceaccount={shlex.quote(':'.join(account.groups()))}"
    return [
        f"kubectl create {role} {name} --verb={request.verb} {what}{where}",
        f"kubectl create {binding} {name} --{role}={name} {subject}{where}",
    ]


def check_command(request: Attributes) -> str:
    """Return the command that asks the API server whether it allows a request.

    It impersonates the user, which needs the rights of an administrator.
    """
    what, where = request.path, ""
    if not request.path:
        names = _rule(request).get("resourceNames", ())
        what = "/".join([_kind(request), *names])
        where = f" -n {shlex.quote(request.namespace)}" if request.namespace else " -A"
    if request.subresource:
        # NB: behind a slash, `can-i` takes a name, and not a subresource.
        where = f" --subresource={shlex.quote(request.subresource)}{where}"
    user = shlex.quote(request.user)
    return f"kubectl auth can-i {request.verb} {shlex.quote(what)}{where} --as={user}"


def to_yaml(objects: list[dict]) -> str:
    """Return objects as YAML that `kubectl apply -f -` takes; short lists inline."""
    return yaml.safe_dump_all(objects, sort_keys=False, default_flow_style=None)


def subject_of(user: str) -> dict:
    """Return the subject by which a binding names a user."""
    if user.startswith(_SERVICE_ACCOUNT):
        namespace, name = user.removeprefix(_SERVICE_ACCOUNT).split(":", 1)
        return {"kind": "ServiceAccount", "name": name, "namespace": namespace}
    return {"kind": "User", "apiGroup": GROUP, "name": user}


def allows(rule: dict, request: Attributes) -> bool:
    """Return whether a rule of a role allows a request."""
    if not {"*", request.verb} & set(rule.get("verbs", ())):
        return False
    if request.path:
        return any(
            _covers(url, request.path) for url in rule.get("nonResourceURLs", ())
        )
    names = rule.get("resourceNames", ())
    named = {request.what, "*"}
    if request.subresource:
        named.add(f"*/{request.subresource}")
    return (
        bool({"*", request.group} & set(rule.get("apiGroups", ())))
        and bool(named & set(rule.get("resources", ())))
        and (not names or request.name in names)
    )


def near_misses(
    request: Attributes, objects: Objects, apart: Iterable[str] = ()
) -> list[str]:
    """Return sentences on bindings that nearly allow a request, and on unbound Roles.

    Return [] if a binding allows it: the server will soon know of the binding. The
    names of bindings and Roles `apart` are those of other applications.
    """
    if granting_bindings(request, (), objects):
        return []
    misses = [
        _near_miss(binding, request, objects.roles)
        for binding in objects.bindings
        if not binding["metadata"]["name"].startswith("system:")
        and binding["metadata"]["name"] not in apart
    ]
    return [*filter(None, misses), *_unbound_roles(request, objects, apart)]


def granting_bindings(
    request: Attributes, groups: Iterable[str], objects: Objects
) -> list[dict]:
    """Return the bindings by which a user in `groups` may make a request."""
    return [
        binding
        for binding in objects.bindings
        if has_subject(binding, request.user, groups)
        and binding["metadata"].get("namespace", "") in ("", request.namespace)
        and _allow(rules_of(binding, objects.roles), request)
    ]


def has_subject(binding: dict, user: str, groups: Iterable[str] = ()) -> bool:
    """Return whether a binding names a user, or a group that the user is in."""
    return any(
        subject["name"] in groups
        if subject["kind"] == "Group"
        else _user(subject, binding) == user
        for subject in binding.get("subjects") or ()
    )


def is_for(binding: dict, users: set[str]) -> bool:
    """Return whether a binding names no one but these users."""
    subjects = binding.get("subjects") or ()
    return {_user(subject, binding) for subject in subjects} <= users


def other_subjects(binding: dict, user: str) -> str:
    """Return the subjects of a binding besides a user, in words."""
    subjects = binding.get("subjects") or ()
    strangers = [subject for subject in subjects if _user(subject, binding) != user]
    return ", ".join(map(_short_name, strangers))


def has_outsider(binding: dict) -> bool:
    """Return whether a binding names anyone who is no part of Kubernetes itself."""
    subjects = binding.get("subjects") or ()
    return any(not _PART.match(_user(subject, binding)) for subject in subjects)


def is_changed(binding: dict, roles: list[dict], since: str, *, unknown: bool) -> bool:
    """Return whether a binding or its role was created or changed since a time.

    Times are as the API writes them. It is `unknown` of a built-in binding and its role
    without `managedFields`; a local cluster begins with such objects.
    """
    labels = binding["metadata"].get("labels", {})
    unknown = unknown and "kubernetes.io/bootstrapping" in labels
    for one in filter(None, (binding, role_of(binding, roles))):
        meta = one["metadata"]
        fields = meta.get("managedFields", ())
        times = [meta["creationTimestamp"], *(field["time"] for field in fields)]
        if max(times) >= since or (unknown and not fields):
            return True
    return False


def is_pending(
    request: Attributes, groups: Iterable[str], objects: Objects, *, allowed: bool
) -> bool:
    """Return whether the server has yet to learn what the objects say of a request.

    `allowed` is what it says now. Also if a binding's ClusterRole is composed of
    others, which a controller does: it may still lack a rule.
    """
    bindings = granting_bindings(request, groups, objects)
    if allowed != bool(bindings):
        return True
    return not allowed and any(
        has_subject(binding, request.user, groups)
        and _allow(_composed_rules(binding, objects.roles), request)
        for binding in objects.bindings
        if binding["metadata"].get("namespace", "") in ("", request.namespace)
    )


def _composed_rules(binding: dict, roles: list[dict]) -> list[dict]:
    """Return the rules that a binding's ClusterRole is to be composed of."""
    composed = (role_of(binding, roles) or {}).get("aggregationRule") or {}
    selectors = composed.get("clusterRoleSelectors", ())
    return [
        rule
        for role in roles
        if role["kind"] == "ClusterRole"
        and any(_selects(one, role["metadata"].get("labels", {})) for one in selectors)
        for rule in role.get("rules") or ()
    ]


def _selects(selector: dict, labels: dict[str, str]) -> bool:
    """Return whether a label selector matches labels."""
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        {
            "In": labels.get(one["key"]) in one.get("values", ()),
            "NotIn": labels.get(one["key"]) not in one.get("values", ()),
            "Exists": one["key"] in labels,
            "DoesNotExist": one["key"] not in labels,
        }[one["operator"]]
        for one in selector.get("matchExpressions", ())
    )


def pairs(rules: list[dict] | None) -> list[tuple[str, str]]:
    """Return each verb of rules with each resource, as kubectl writes it, or path."""
    return [
        (verb, f"{what}.{group}".rstrip("."))
        for rule in rules or ()
        for group in rule.get("apiGroups") or [""]
        for what in (*rule.get("resources", ()), *rule.get("nonResourceURLs", ()))
        # The server takes the empty name, which is that of no resource.
        if what
        for verb in rule["verbs"]
    ]


def over_grants(objects: Objects) -> list[dict]:
    """Return each binding that lets a broad group do everything.

    A dict per binding: `binding`, `to`, `role`, `where`.
    """
    return [
        {
            "binding": binding["metadata"]["name"],
            "to": subject["name"],
            "role": binding["roleRef"]["name"],
            "where": binding["metadata"].get("namespace", "the whole cluster"),
        }
        for binding in objects.bindings
        for subject in binding.get("subjects", ())
        if subject["name"].startswith(_BROAD)
        and _is_everything(rules_of(binding, objects.roles))
    ]


def rules_of(binding: dict, roles: list[dict]) -> list[dict] | None:
    """Return the rules that a binding grants; None if its role does not exist."""
    role = role_of(binding, roles)
    return None if role is None else role.get("rules") or []


def role_of(binding: dict, roles: list[dict]) -> dict | None:
    """Return the role that a binding refers to; None if it does not exist."""
    reference = binding["roleRef"]
    home = binding["metadata"].get("namespace") if reference["kind"] == "Role" else None
    for role in roles:
        meta = role["metadata"]
        if (role["kind"], meta["name"]) == (reference["kind"], reference["name"]):
            if home is None or meta["namespace"] == home:
                return role
    return None


def _allow(rules: list[dict] | None, request: Attributes) -> bool:
    return any(allows(rule, request) for rule in rules or ())


def _rule(request: Attributes) -> dict:
    if request.path:
        return {"nonResourceURLs": [request.path], "verbs": [request.verb]}
    rule = {
        "apiGroups": [request.group],
        "resources": [request.what],
        "verbs": [request.verb],
    }
    # The name of a subresource's object is known; that of a new object is not.
    if request.name and (request.subresource or request.verb not in _NAMELESS):
        rule["resourceNames"] = [request.name]
    return rule


def _name(request: Attributes) -> str:
    who = subject_of(request.user)
    parts = [who["name"], request.verb, request.what or request.path]
    if not request.namespace:
        # Cluster-scoped names are shared: the namespace keeps two learners apart.
        parts.insert(0, who.get("namespace", ""))
    text = re.sub(r"[^a-z0-9.]+", "-", "-".join(parts).lower())
    return text.strip("-.")


def _kind(request: Attributes) -> str:
    return f"{request.resource}.{request.group}".rstrip(".")


def _covers(url: str, path: str) -> bool:
    return url in ("*", path) or (url.endswith("*") and path.startswith(url[:-1]))


def _unbound_roles(
    request: Attributes, objects: Objects, apart: Iterable[str]
) -> list[str]:
    """Say which Roles would allow a request if a binding named them."""
    bound = {
        binding["roleRef"]["name"]
        for binding in objects.bindings
        if binding["metadata"].get("namespace") == request.namespace
        and binding["roleRef"]["kind"] == "Role"
    }
    text = mark("Role `{name}` allows it, but no RoleBinding names it.")
    return [
        say(text, name=role["metadata"]["name"])
        for role in objects.roles
        # Not a ClusterRole: those that come with Kubernetes allow nearly everything.
        if role["kind"] == "Role"
        and role["metadata"]["namespace"] == request.namespace
        and role["metadata"]["name"] not in {*bound, *apart}
        and _allow(role.get("rules"), request)
    ]


def _near_miss(binding: dict, request: Attributes, roles: list[dict]) -> str:
    """Return a sentence on a binding that nearly allows a request, or ""."""
    rules = rules_of(binding, roles)
    granted = _allow(rules, request)
    home = binding["metadata"].get("namespace", "")
    in_scope = home in ("", request.namespace)
    if not has_subject(binding, request.user):
        return _wrong_subject(binding, request) if granted and home and in_scope else ""
    if rules is None:
        text = mark("{binding} names {role}, which does not exist.")
        return say(text, binding=title(binding), role=_short_name(binding["roleRef"]))
    if granted and not in_scope:
        text = mark("{binding} allows it only in namespace {home}.")
        return say(text, binding=title(binding), home=home)
    if in_scope and not granted:
        return _insufficient_rules(binding, rules, request)
    return ""


def _wrong_subject(binding: dict, request: Attributes) -> str:
    listed = other_subjects(binding, request.user)
    if not listed:
        return say("{binding} allows it, but names no subject.", binding=title(binding))
    text = mark("{binding} allows it to {others}, not to {account}.")
    account = _short_name(subject_of(request.user))
    return say(text, binding=title(binding), others=listed, account=account)


def _insufficient_rules(binding: dict, rules: list[dict], request: Attributes) -> str:
    text = mark("{binding} gives `{name}` {verbs} on {what}; that is not enough.")
    who = {"binding": title(binding), "name": subject_of(request.user)["name"]}
    near = [rule for rule in rules if _mentions(rule, request)]
    sentences = [say(text, **who, **_verbs_and_resources(rule)) for rule in near]
    if any(verb != verb.lower() for rule in near for verb in rule["verbs"]):
        sentences.append(say("Verbs are in lower case."))
    return " ".join(sentences)


def title(binding: dict) -> str:
    """Return the kind and the name of a binding."""
    return _kind_and_name(binding["kind"], binding["metadata"]["name"])


def _kind_and_name(kind: str, name: str) -> str:
    return say(_NAMED[kind], name=name)


def _user(subject: dict, binding: dict) -> str:
    if subject["kind"] == "ServiceAccount":
        # Without a namespace, it is the binding's own.
        home = subject.get("namespace") or binding["metadata"].get("namespace", "")
        return f"{_SERVICE_ACCOUNT}{home}:{subject['name']}"
    return subject["name"]


def _mentions(rule: dict, request: Attributes) -> bool:
    """Return whether a rule names the resource at all, in whatever API group.

    Also in capitals, or in the singular, as a manifest names the kind.
    """
    names = [what.split("/")[0].lower() for what in rule.get("resources", ())]
    return any(request.resource in (name, f"{name}s") for name in names)


def _short_name(subject: dict) -> str:
    """Return the kind and the name of a subject or a role.

    kubectl writes an account as `NAMESPACE:NAME`.
    """
    home = f"{subject['namespace']}:" if "namespace" in subject else ""
    return _kind_and_name(subject["kind"], home + subject["name"])


def _verbs_and_resources(rule: dict) -> dict[str, str]:
    """Return the verbs and the resources of a rule, as a manifest names them."""
    what, keys = ", ".join(rule["resources"]), ("apiGroups", "resourceNames")
    limits = {key: ", ".join(filter(None, rule.get(key, ()))) for key in keys}
    only = "; ".join(f"{key}: {value}" for key, value in limits.items() if value)
    what = f"{what} ({only})" if only else what
    return {"verbs": ", ".join(rule["verbs"]), "what": what}


def _is_everything(rules: list[dict] | None) -> bool:
    return any(
        all("*" in rule.get(key, ()) for key in ("verbs", "resources", "apiGroups"))
        for rule in rules or ()
    )
