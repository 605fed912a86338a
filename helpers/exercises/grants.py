"""Say why an account is not allowed exactly what it should be."""

from collections.abc import Iterable
from itertools import product

from cluster.waiting import poll
from helpers.api.pods import PROPAGATION
from helpers.command import current_namespace, kubectl, time_limit
from helpers.language import mark, say
from helpers.rbac import objects as rbac
from helpers.rbac.reviews import Account, attributes_of, permissions_of


def fault_of_grant(
    account: str,
    verbs: list[str],
    resource: str,
    beside: Iterable[tuple[str, str]] = (),
    apart: Iterable[str] = (),
) -> str:
    """Return why a ServiceAccount may not do just `verbs` on `resource`, or "".

    `resource` as kubectl writes it: "pods", "jobs.batch". Whatever else its bindings
    give is too much, but for `beside`, verbs and resources of the lesson itself; so is
    the same for anyone else, from bindings newer than the namespace, but for accounts
    `apart`, those of other applications, and the bindings that are called so or name
    them alone.
    """
    fault, namespace, apart = "", current_namespace(), {*apart} - {account}
    who = Account.read(account, namespace)

    def settled() -> bool:
        nonlocal fault
        granted = [verb for verb, _ in permissions_of(who, verbs, [resource])]
        missing = [verb for verb in verbs if verb not in granted]
        if not missing:
            fault = ""
            return True
        asked = attributes_of(who.user, missing[0], resource, namespace)
        near = rbac.near_misses(asked, rbac.read_rbac(), apart)
        denied = {"account": account, "verb": missing[0], "resource": resource}
        fault = say("{account} gets 403 for {verb} on {resource}.", **denied)
        nothing = say("No RoleBinding gives {account} {verb} on {resource}.", **denied)
        fault = " ".join([fault, *(near or [nothing])])
        return bool(near)

    poll(settled, time_limit(PROPAGATION))
    if fault:
        return fault
    if fault := _excess(who, {*product(verbs, [resource])}, {*beside}, apart):
        return fault
    found = kubectl("get serviceaccounts -o jsonpath={.items[*].metadata.name}").stdout
    for other in sorted({*found.split(), "system:anonymous"} - {account, *apart}):
        for verb, _ in permissions_of(
            Account.read(other, namespace), verbs, [resource]
        ):
            fault = mark(
                "`{other}` may also {verb} {resource}: delete the binding that names "
                "it or its group."
            )
            return say(fault, other=other, verb=verb, resource=resource)
    return ""


def _excess(
    who: Account,
    wanted: set[tuple[str, str]],
    beside: set[tuple[str, str]],
    apart: set[str],
) -> str:
    """Return which binding gives what is `wanted` to others, or too much, or ""."""
    objects, here = rbac.read_rbac(), current_namespace()
    asked = [attributes_of(who.user, *pair, here) for pair in wanted]
    born = kubectl(f"get ns {here} -o jsonpath={{.metadata.creationTimestamp}}").stdout
    me = kubectl("auth whoami -o jsonpath={.status.userInfo.username}").stdout
    others_apart = {Account.read(one, here).user for one in apart}
    for binding in objects.bindings:
        if rbac.has_subject(binding, me):
            # By it an existing cluster lets the learner into the namespace.
            continue
        meta, title = binding["metadata"], rbac.title(binding)
        for_them = meta["name"] in apart or rbac.is_for(binding, others_apart)
        if for_them and not rbac.has_subject(binding, who.user, who.groups):
            continue
        home, rules = meta.get("namespace", ""), rbac.rules_of(binding, objects.roles)
        gives = home in ("", here) and any(
            rbac.allows(rule, one) for rule in rules or () for one in asked
        )
        # A cluster gives its own rules to all accounts, before there is a lesson.
        ours = meta["creationTimestamp"] >= born and (
            gives or rbac.has_subject(binding, who.user, who.groups)
        )
        if not ours and not rbac.has_subject(binding, who.user):
            continue
        if others := rbac.other_subjects(binding, who.user):
            fault = mark(
                "{binding} names {others}: let it name the ServiceAccount alone."
            )
            return say(fault, binding=title, others=others)
        for verb, resource in rbac.pairs(rules):
            if home != here or (verb, resource) not in wanted | beside:
                fault = mark(
                    "{binding} gives {verb} on {resource} in {where}: that is too "
                    "much. Name fewer verbs or resources in its role, or delete it."
                )
                where = attributes_of(who.user, verb, resource, home).where
                return say(
                    fault, binding=title, verb=verb, resource=resource, where=where
                )
    return ""
