"""Check what a ServiceAccount may do, and find the mistake in its Role and binding."""

import time

from helpers.command import kubectl

#: seconds that the API server may take to learn of new rules: it watches them
PROPAGATION = 5.0


def account_may(
    account: str, verbs: list[str], resource: str, *, namespace: str
) -> str:
    """Diagnose why a ServiceAccount may not do `verbs` on a resource of the core group.

    Waits for rules that were just made. The same as `kubectl auth can-i VERB RESOURCE
    --as=system:serviceaccount:NAMESPACE:ACCOUNT`.
    """
    user = _user(account, namespace)
    deadline = time.monotonic() + PROPAGATION
    while refused := [v for v in verbs if not _can(user, v, resource, namespace)]:
        mistake = why_not_allowed(
            account,
            refused,
            resource,
            namespace,
            roles=_list("roles", namespace),
            bindings=_list("rolebindings", namespace),
        )
        if mistake or time.monotonic() > deadline:
            return mistake or (
                f"The rules look right, and the server still refuses "
                f"{', '.join(refused)} on {resource}."
            )
        time.sleep(0.1)
    return ""


def account_may_only(
    account: str, verbs: list[str], resource: str, *, namespace: str
) -> str:
    """Diagnose rights that are missing, or that go beyond `verbs` on `resource`."""
    missing = account_may(account, verbs, resource, namespace=namespace)
    if missing:
        return missing
    user = _user(account, namespace)
    others = {"get", "list", "watch", "create", "update", "patch", "delete"}
    for verb in sorted(others - set(verbs)):
        if _can(user, verb, resource, namespace):
            return (
                f"{account} may also {verb} {resource}: name {', '.join(verbs)} in "
                "`verbs`, and no more."
            )
    if _can(user, verbs[0], "secrets", namespace):
        return (
            f"{account} may also {verbs[0]} secrets: name {resource} in `resources`, "
            "and no more."
        )
    if _can(user, verbs[0], resource, "default"):
        return (
            f"{account} may {verbs[0]} {resource} in the namespace default too: take a "
            "RoleBinding, not a ClusterRoleBinding."
        )
    return ""


def why_not_allowed(
    account: str,
    verbs: list[str],
    resource: str,
    namespace: str,
    *,
    roles: list[dict],
    bindings: list[dict],
) -> str:
    """Say which link is missing: the Role, its binding, or the right account in it.

    Pure, from the Roles and RoleBindings of the namespace; "" if all seem right.
    """
    wanted = f"{', '.join(verbs)} on {resource}"
    allowing = {
        role["metadata"]["name"]
        for role in roles
        if all(_allows(role, verb, resource) for verb in verbs)
    }
    if not allowing:
        return _nearly(roles, verbs, resource) or (
            f"No Role in the namespace {namespace} allows {wanted}."
        )
    binding_them = [
        binding
        for binding in bindings
        if binding["roleRef"]["kind"] == "Role"
        and binding["roleRef"]["name"] in allowing
    ]
    if not binding_them:
        names = ", ".join(sorted(allowing))
        return f"Role {names} allows {wanted}, but no RoleBinding names it in roleRef."
    subjects = [
        (binding["metadata"]["name"], subject)
        for binding in binding_them
        for subject in binding.get("subjects", [])
    ]
    if any(_is(subject, account, namespace) for _, subject in subjects):
        return ""
    if not subjects:
        name = binding_them[0]["metadata"]["name"]
        return f"RoleBinding {name} names nobody in `subjects`."
    name, subject = subjects[0]
    who = f"{subject['kind']} {subject['name']}"
    if subject.get("namespace"):
        who += f" of the namespace {subject['namespace']}"
    return (
        f"RoleBinding {name} names the {who}; the pod runs as the ServiceAccount "
        f"{account} of the namespace {namespace}."
    )


def _is(subject: dict, account: str, namespace: str) -> bool:
    return (
        subject["kind"] == "ServiceAccount"
        and subject["name"] == account
        and subject.get("namespace") == namespace
    )


def _allows(role: dict, verb: str, resource: str) -> bool:
    return any(
        {"", "*"} & set(rule.get("apiGroups", []))
        and {resource, "*"} & set(rule.get("resources", []))
        and {verb, "*"} & set(rule.get("verbs", []))
        # Only some objects, by name: listing all of them stays refused.
        and not rule.get("resourceNames")
        for rule in role.get("rules") or []
    )


def _nearly(roles: list[dict], verbs: list[str], resource: str) -> str:
    """Say what a Role lacks that at least names the resource."""
    for role in roles:
        name = role["metadata"]["name"]
        for rule in role.get("rules") or []:
            if resource not in rule.get("resources", []):
                continue
            lacking = [verb for verb in verbs if verb not in rule.get("verbs", [])]
            if lacking:
                return f"Role {name} lacks {', '.join(lacking)} on {resource}."
            groups = rule.get("apiGroups", [])
            if "" not in groups:
                return (
                    f"Role {name} names {resource} in the API group "
                    f'{", ".join(groups)}; they are in the core group, written "".'
                )
            if rule.get("resourceNames"):
                return f"Role {name} allows only some {resource}, by resourceNames."
    return ""


def _can(user: str, verb: str, resource: str, namespace: str) -> bool:
    done = kubectl(
        *("auth", "can-i", verb, resource, f"--namespace={namespace}", f"--as={user}"),
        check=False,
    )
    return done.stdout.strip() == "yes"


def _user(account: str, namespace: str) -> str:
    return f"system:serviceaccount:{namespace}:{account}"


def _list(kind: str, namespace: str) -> list[dict]:
    found = kubectl("get", kind, f"--namespace={namespace}", "-o", "json")
    return found.json()["items"]
