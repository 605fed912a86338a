"""Check who owns which field."""

from collections.abc import Collection, Mapping

from helpers import errors
from helpers.command import kubectl
from helpers.exercise import exercise
from helpers.managedfields import owners_by_field

_WANTED = {".data.color": ["one"], ".data.size": ["one", "two"]}
_GONE = [".data.shape"]
_VALUES = {"color": "blue", "size": "small"}


@exercise
def give_up_fields() -> None:
    """Check values and owners of the ConfigMap `settings`."""
    line = "get configmap settings --output=json --show-managed-fields"
    found = kubectl(line, check=False)
    if found.exit_code:
        raise errors.NotSolved(f"{found.stderr.strip()}. Run the cells above.")
    settings = found.json()
    wrong = wrong_owner(settings, _WANTED, _GONE)
    if wrong:
        raise errors.NotSolved(wrong)
    for field, value in _VALUES.items():
        if settings["data"][field] != value:
            raise errors.NotSolved(
                f"The owners are right, but {field} is {settings['data'][field]!r}, "
                f"not {value!r}."
            )


def wrong_owner(
    obj: dict, owners: Mapping[str, Collection[str]], gone: Collection[str] = ()
) -> str:
    """Return which field of an object has the wrong owner, or ""; pure.

    `owners` maps fields, written as in a conflict, to the names of their managers;
    `gone` are fields that should not be there.
    """
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
            return f"{field} is gone: its last owner applied without it."
        if lacking := sorted(set(names) - has):
            return (
                f"{field} is not owned by {', '.join(lacking)}, but by "
                f"{', '.join(sorted(has))}; you become an owner by applying the field."
            )
        if more := sorted(has - set(names)):
            return (
                f"{field} is still owned by {', '.join(more)}: a manager gives a field "
                "up by applying without it."
            )
    return ""
