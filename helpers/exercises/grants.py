"""Say why an account is not allowed exactly what it should be."""

import re
from collections.abc import Iterable
from itertools import product

from helpers.command import current_namespace, kubectl
from helpers.exercises.evidence import wait_for_evidence
from helpers.language import mark, say
from helpers.rbac import objects as rbac
from helpers.rbac.reviews import Account, attributes_of, review_all

#: a verb and a resource or path that Kubernetes gives to all accounts, in any release
_GIVEN_TO_ALL = re.compile(
    r"create self\w+reviews\.auth\w+\.k8s\.io"
    r"|(get|list|watch) clustertrustbundles\.certificates\.k8s\.io"
    r"|get /(\.well-known|apis?|healthz|livez|openapi|openid|readyz|swagger\w*|version)"
    r"\b.*"
)


def fault_of_grant(
    account: str,
    verbs: list[str],
    resource: str,
    beside: Iterable[tuple[str, ...]] = (),
    apart: Iterable[str] = (),
    name: str = "",
) -> str:
    """Return why a ServiceAccount may not do just `verbs` on `resource`, or "".

    `resource` as kubectl writes it: "pods", "jobs.batch"; `name` is that of the only
    object that it needs, to which a rule may be limited. Also report any other
    permission of the account, except those in `beside`, and any account that gets these
    permissions from a binding newer than the namespace, except those in `apart`. A
    binding is as new as its last change, or its role's. `beside` has a verb and a
    resource, and the names of a binding and its role if only those may give them, and
    nothing else. Raise Undecided while the API server has yet to learn of a rule.
    """
    namespace, apart = current_namespace(), {*apart} - {account}
    who = Account.read(account, namespace)
    found = kubectl("get serviceaccounts -o jsonpath={.items[*].metadata.name}").stdout
    names = sorted({*found.split(), "system:anonymous"} - {account, *apart})
    others = {Account.read(name, namespace): name for name in names}
    row = f"{resource} {name}".strip()
    granted, objects = _granted([who, *others], verbs, row, account)
    if missing := [verb for verb in verbs if (who, verb) not in granted]:
        return _lack(account, who, missing[0], row, objects, apart)
    wanted = {*product(verbs, [resource])}
    if fault := _excess(who, wanted, {*beside}, apart, objects):
        return fault
    for other, verb in product(others, verbs):
        if (other, verb) in granted:
            fault = mark(
                "`{other}` may also {verb} {resource}: delete the binding that names "
                "it or its group."
            )
            return say(fault, other=others[other], verb=verb, resource=resource)
    return ""


def fault_of_denial(
    account: str, verb: str, resource: str, apart: Iterable[str] = ()
) -> str:
    """Return why a ServiceAccount may not do `verb` on `resource`, or "" if it may.

    Leave out rules and bindings of the accounts in `apart`. Raise Undecided as
    `fault_of_grant` does.
    """
    who = Account.read(account, current_namespace())
    granted, objects = _granted([who], [verb], resource, account)
    if granted:
        return ""
    return _lack(account, who, verb, resource, objects, {*apart} - {account})


def _granted(
    accounts: list[Account], verbs: list[str], row: str, name: str
) -> tuple[set[tuple[Account, str]], rbac.Objects]:
    """Return which accounts may do which verbs on a row of `can_i`, and the rules now.

    Wait until the API server knows the rules. `name` is the account's of a message.
    """
    namespace = current_namespace()

    def look() -> tuple[tuple[set, rbac.Objects] | None, str]:
        reviews = review_all(accounts, verbs, [row])
        objects = rbac.read_rbac()
        pending = [
            f"{one.user} {verb} {row}"
            for (one, verb, row), (allowed, reason) in reviews.items()
            # An existing cluster may have another authorizer, too.
            if (not allowed or reason.startswith("RBAC:"))
            and rbac.is_pending(
                attributes_of(one.user, verb, row, namespace),
                one.groups,
                objects,
                allowed=allowed,
            )
        ]
        granted = {(one, verb) for (one, verb, _), (yes, _) in reviews.items() if yes}
        return (None if pending else (granted, objects)), ", ".join(pending)

    what = mark("the API server to know the rules of {account}")
    return wait_for_evidence(look, say(what, account=name))


def _lack(
    account: str,
    who: Account,
    verb: str,
    row: str,
    objects: rbac.Objects,
    apart: set[str],
) -> str:
    """Return a sentence on what an account lacks for a request, and how near it is."""
    asked = attributes_of(who.user, verb, row, current_namespace())
    denied = {"account": account, "verb": verb, "resource": row.partition(" ")[0]}
    fault = say("{account} gets 403 for {verb} on {resource}.", **denied)
    nothing = say("No RoleBinding gives {account} {verb} on {resource}.", **denied)
    return " ".join([fault, *(rbac.near_misses(asked, objects, apart) or [nothing])])


def _excess(
    who: Account,
    wanted: set[tuple[str, str]],
    beside: set[tuple[str, ...]],
    apart: set[str],
    objects: rbac.Objects,
) -> str:
    """Return which binding gives what is `wanted` to others, or too much, or ""."""
    here = current_namespace()
    asked = [attributes_of(who.user, *pair, here) for pair in wanted]
    born = kubectl(f"get ns {here} -o jsonpath={{.metadata.creationTimestamp}}").stdout
    me = kubectl("auth whoami -o jsonpath={.status.userInfo.username}").stdout
    others_apart = {Account.read(one, here).user for one in apart}
    for binding in objects.bindings:
        if rbac.is_for(binding, {me} - {who.user}):
            # By it an existing cluster lets the learner into the namespace.
            continue
        meta, title = binding["metadata"], rbac.title(binding)
        named = rbac.has_subject(binding, who.user)
        for_us = named or rbac.has_subject(binding, who.user, who.groups)
        for_them = meta["name"] in apart or rbac.is_for(binding, others_apart)
        if for_them and not for_us:
            continue
        home, rules = meta.get("namespace", ""), rbac.rules_of(binding, objects.roles)
        # To allow it for a single name is too much as well.
        gives = home in ("", here) and any(
            rbac.allows({**rule, "resourceNames": ()}, one)
            for rule in rules or ()
            for one in asked
        )
        is_new = meta["creationTimestamp"] >= born
        # A cluster gives its own rules to all accounts, before there is a lesson.
        is_ours = (for_us or gives) and rbac.is_changed(
            binding, objects.roles, born, unknown=for_us or rbac.has_outsider(binding)
        )
        if not named and not is_ours:
            continue
        others = rbac.other_subjects(binding, who.user)
        if others and is_new:
            fault = mark(
                "{binding} names {others}: let it name the ServiceAccount alone."
            )
            return say(fault, binding=title, others=others)
        given, names = {*rbac.pairs(rules)}, (meta["name"], binding["roleRef"]["name"])
        excused = {one[:2] for one in beside if one[2:] in ((), names)}
        if home == here and given <= excused:
            # The lesson's own binding, as the lesson has made it.
            continue
        # Those of the lesson's own binding last: they may be right in it.
        for verb, resource in sorted(rbac.pairs(rules), key=excused.__contains__):
            if not is_new and _GIVEN_TO_ALL.fullmatch(f"{verb} {resource}"):
                continue
            if home == here and (verb, resource) in wanted | beside:
                continue
            where = attributes_of(who.user, verb, resource, home).where
            fault = mark(
                "{binding} gives {verb} on {resource} in {where}: that is too much. "
                "Name fewer verbs or resources in its role, or delete it."
            )
            if not is_new:
                fault = mark(
                    "{binding} was there before the lesson, and now gives {verb} on "
                    "{resource} in {where}: undo the change of it or of its role."
                )
            about = {"binding": title, "verb": verb, "resource": resource}
            return say(fault, **about, where=where)
    return ""
