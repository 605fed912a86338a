"""Show what an account is allowed to do as a table; what has changed has a colour."""

from collections.abc import Iterable
from typing import Any

from helpers.command import current_namespace
from helpers.rbac.objects import granting_bindings, read_rbac
from helpers.rbac.reviews import Account, attributes_of, permissions_of

# Dark text on a light ground: readable in a dark theme, too.
_GROUNDS = {
    "TOO MUCH": "#ffb3ad",
    "missing": "#ffe28a",
    "yes": "#b9e6c0",
    "no → yes": "#b9e6c0",
    "yes → no": "#ffe28a",
}


def can_i(
    account: str,
    verbs: Iterable[str],
    resources: Iterable[str],
    *,
    groups: Iterable[str] = (),
    before: Any = None,
) -> Any:
    """Return the permissions of an account as a DataFrame of "yes" and "no".

    Rows are `resources` as kubectl writes them: "pods", "pods/log", "jobs.batch",
    with "-n NAMESPACE" or "-A" for elsewhere; columns are `verbs`. `groups` are added
    to the account's own. Equivalent to one `kubectl auth can-i VERB RESOURCE
    --as=ACCOUNT` for each field, without impersonation.

    With `before`, an earlier table, the result is styled: a changed field reads
    "no → yes" or "yes → no", and GRANTED BY names the bindings behind each row.
    """
    import pandas as pd

    who = Account.read(account, current_namespace())
    who = Account(who.user, (*who.groups, *groups))
    verbs, resources = list(verbs), list(resources)
    permissions = permissions_of(who, verbs, resources)
    rows = [
        ["yes" if (v, row) in permissions else "no" for v in verbs] for row in resources
    ]
    after = pd.DataFrame(rows, index=resources, columns=verbs)
    if before is None:
        return after
    # A field that the earlier table lacks is not compared.
    before = before.reindex_like(after)
    changed = after.where((before == after) | before.isna(), before + " → " + after)
    changed["GRANTED BY"] = _granting_names(who, permissions, resources)
    return changed.style.map(_colour)


def excess(granted, needed):
    """Return a styled table of permissions that are granted but not needed.

    Both are DataFrames of `can_i` of the same shape. A field reads "yes" if granted and
    needed, "TOO MUCH" if only granted, "missing" if only needed.
    """
    table = granted.where(granted == needed, "TOO MUCH")
    table = table.mask((granted == "no") & (needed == "yes"), "missing")
    return table.style.map(_colour)


def _granting_names(
    who: Account, permissions: list[tuple[str, str]], rows: list[str]
) -> list[str]:
    """Return the names of the bindings behind each row with a "yes"."""
    objects, here = read_rbac(), current_namespace()
    bindings: dict[str, dict[str, None]] = {row: {} for row in rows}
    for verb, row in permissions:
        request = attributes_of(who.user, verb, row, here)
        for binding in granting_bindings(request, who.groups, objects):
            bindings[row][f"{binding['kind']} {binding['metadata']['name']}"] = None
    return [", ".join(bindings[row]) for row in rows]


def _colour(text: str) -> str:
    ground = _GROUNDS.get(text)
    return f"background-color: {ground}; color: #1a1a1a" if ground else ""
