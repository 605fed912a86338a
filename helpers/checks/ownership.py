"""Check who owns the fields of an object."""

from collections.abc import Collection, Mapping

from helpers.command import kubectl
from helpers.managedfields import owners_by_field


def owned_by(
    resource: str,
    owners: Mapping[str, Collection[str]],
    *,
    gone: Collection[str] = (),
) -> str:
    """Diagnose the first field of `resource` that is not owned as it should be.

    `owners` maps fields, written as in a conflict, to the names of their managers;
    `gone` are fields that should not be there.
    """
    found = kubectl("get", resource, "-o", "json", "--show-managed-fields", check=False)
    if found.exit_code:
        return f"{resource}: {found.stderr.strip()}"
    return wrong_owner(found.json(), owners, gone)


def wrong_owner(
    obj: dict, owners: Mapping[str, Collection[str]], gone: Collection[str] = ()
) -> str:
    """Say which field of an object is not owned as it should be, or ""; pure."""
    actual = owners_by_field(obj)
    for field in gone:
        if holders := actual.get(field):
            return (
                f"{field} is still there, for {', '.join(sorted(holders))}: a manager "
                "gives a field up by applying without it."
            )
    for field, names in owners.items():
        has = actual.get(field, set())
        if not has:
            return f"{field} is gone: the last one who owned it applied without it."
        if lacking := sorted(set(names) - has):
            return (
                f"{field} is not owned by {', '.join(lacking)}, but by "
                f"{', '.join(sorted(has))}; an owner is who applies with the field."
            )
        if more := sorted(has - set(names)):
            return (
                f"{field} is still owned by {', '.join(more)}: a manager gives a field "
                "up by applying without it."
            )
    return ""
