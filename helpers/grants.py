"""Say why an account is not allowed exactly what it should be."""

from cluster.waiting import poll
from helpers import rbac
from helpers.command import current_namespace, scaled
from helpers.language import mark, say
from helpers.reviews import Account, allowed, attributes_of

#: all verbs that a rule for an ordinary resource can name
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete")

#: seconds that the API server may take to learn of new rules: it watches them
PROPAGATION = 5.0


def fault_of_grant(account: str, verbs: list[str], resource: str) -> str:
    """Return why a ServiceAccount may not do just `verbs` on `resource`, or "".

    `resource` as kubectl writes it: "pods", "jobs.batch". Other verbs, Secrets, and the
    resource in the namespace `default` are too much.
    """
    fault, namespace = "", current_namespace()
    who = Account.read(account, namespace)

    def settled() -> bool:
        nonlocal fault
        granted = [verb for verb, _ in allowed(who, verbs, [resource])]
        missing = [verb for verb in verbs if verb not in granted]
        if not missing:
            fault = ""
            return True
        asked = attributes_of(who.user, missing[0], resource, namespace)
        near = rbac.near_misses(asked, rbac.read_rbac())
        denied = {"account": account, "verb": missing[0], "resource": resource}
        fault = say("{account} gets 403 for {verb} on {resource}.", **denied)
        nothing = say("No RoleBinding gives {account} {verb} on {resource}.", **denied)
        fault = " ".join([fault, *(near or [nothing])])
        return bool(near)

    poll(settled, scaled(PROPAGATION))
    if fault:
        return fault
    elsewhere = f"{resource} -n default"
    found = allowed(who, VERBS, [resource, "secrets", elsewhere])
    for verb, row in sorted({*found} - {(verb, resource) for verb in verbs}):
        less = say("Name fewer verbs or resources in the Role.")
        if row == elsewhere:
            less = say("Use a RoleBinding, not a ClusterRoleBinding.")
        much = mark("{account} may also {verb} {resource}: that is too much.")
        return say(much, account=account, verb=verb, resource=row) + " " + less
    return ""
