"""Check what an account may do, no less and no more, and what a token is for."""

from collections.abc import Mapping

from cluster.waiting import until
from helpers import rbac
from helpers.caller import Caller
from helpers.command import current_namespace
from helpers.refusals import forbidden
from helpers.refusals.status import DeniedRequest
from helpers.reviews import Account, attributes_of, can_i, review_token
from helpers.tokens import Token

#: all verbs that a rule for an ordinary resource can name
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete")

#: seconds that the API server may take to learn of new rules: it watches them
PROPAGATION = 5.0


def may_exactly(account: str, verbs: list[str], resource: str) -> str:
    """Diagnose why a ServiceAccount may not do just `verbs` on `resource`.

    `resource` as kubectl writes it: "pods", "jobs.batch". Other verbs on it, the same
    on Secrets, and the same in the namespace `default` are too much.
    """
    fault, namespace = "", current_namespace()

    def settled() -> bool:
        nonlocal fault
        missing = _missing(account, verbs, resource)
        if not missing:
            fault = ""
            return True
        user = Account.read(account, namespace).user
        asked = attributes_of(user, missing[0], resource, namespace)
        near = rbac.near_misses(asked, rbac.read_rbac())
        nothing = f"No RoleBinding gives {account} {missing[0]} on {resource}."
        fault = f"403 for {missing[0]} on {resource}: " + (" ".join(near) or nothing)
        return bool(near)

    until(settled, PROPAGATION)
    if fault:
        return fault
    elsewhere = f"{resource} -n default"
    table = can_i(account, VERBS, [resource, "secrets", elsewhere])
    allowed = {(verb, row) for row in table.index for verb in VERBS}
    allowed = {(v, row) for v, row in allowed if table.loc[row, v] == "yes"}
    for verb, row in sorted(allowed - {(verb, resource) for verb in verbs}):
        less = "Name less in `rules`."
        if row == elsewhere:
            less = "Take a RoleBinding, not a ClusterRoleBinding."
        return f"{account} may also {verb} {row}: that is too much. {less}"
    return ""


def verbs_named(predicted: Mapping[str, tuple[str, str] | None], caller: Caller) -> str:
    """Diagnose the first request whose verb and resource were not predicted rightly.

    `predicted` maps "METHOD PATH" to (verb, resource as in a rule). The server is
    asked by `caller`, who may do nothing: its 403 names both.
    """
    for request, guess in predicted.items():
        if guess is None:
            return f"There is no prediction yet for {request}."
        named = forbidden.attributes_of(
            DeniedRequest.parse(caller.request(*request.split()))
        )
        if named is None:
            return f"{request}: the server does not refuse it for want of a right."
        if tuple(guess) != (named.verb, named.what):
            return (
                f"{request}: predicted {' on '.join(guess)}, the server misses "
                f"{named.verb} on {named.what}."
            )
    return ""


def _missing(account: str, verbs: list[str], resource: str) -> list[str]:
    table = can_i(account, verbs, [resource])
    return [verb for verb in verbs if table.loc[resource, verb] != "yes"]


def token_is(token: Token, *, audience: str, lifetime: int, bound_to: str) -> str:
    """Diagnose why a token is not the one that was asked for.

    `lifetime` in seconds, `bound_to` as `pod/NAME`. The API server has to believe it.
    """
    if token.audiences != [audience]:
        return (
            f"It is meant for {', '.join(token.audiences)}, not for {audience} alone."
        )
    if token.lifetime != lifetime:
        return f"It lives {token.lifetime} s, not {lifetime} s."
    if token.bound_to != bound_to:
        return f"It is bound to {token.bound_to or 'nothing'}, not to {bound_to}."
    review = review_token(token, audience=audience)
    return "" if review.authenticated else f"The server refuses it: {review.error}"
