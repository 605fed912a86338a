"""Check the owners of fields."""

from collections.abc import Collection, Mapping

from helpers.command import kubectl
from helpers.course.exercise import exercise
from helpers.errors import NotSolved
from helpers.language import mark, say
from helpers.managedfields import owners_by_field

_WANTED = {".data.color": ["one"], ".data.size": ["one", "two"]}
_GONE = [".data.shape"]
_VALUES = {"color": "blue", "size": "small"}


@exercise
def give_up_fields() -> None:
    """Demand the right values and owners in the ConfigMap `settings`."""
    line = "get configmap settings --output=json --show-managed-fields"
    found = kubectl(f"{line} --ignore-not-found")
    if not found.stdout:
        raise NotSolved(say("There is no ConfigMap settings: run the cells above."))
    settings = found.json()
    if fault := wrong_owner(settings, _WANTED, _GONE):
        raise NotSolved(fault)
    for field, value in _VALUES.items():
        if (data := settings["data"][field]) != value:
            fault = mark("The owners are right, but {field} is {data!r}, not {goal!r}.")
            raise NotSolved(say(fault, field=field, data=data, goal=value))


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
            fault = mark(
                "{field} is still there, for {owners}: a manager gives a field up by "
                "applying without it."
            )
            return say(fault, field=field, owners=", ".join(sorted(holders)))
    for field, names in owners.items():
        has = actual.get(field, set())
        if not has:
            return say("{field} is gone: its last owner left it out.", field=field)
        if lacking := sorted(set(names) - has):
            wanted, others = ", ".join(lacking), ", ".join(sorted(has))
            fault = mark(
                "{field} is not owned by {wanted}, but by {others}; you become an "
                "owner by applying the field."
            )
            return say(fault, field=field, wanted=wanted, others=others)
        if more := sorted(has - set(names)):
            fault = mark(
                "{field} is still owned by {owners}: a manager gives a field up by "
                "applying without it."
            )
            return say(fault, field=field, owners=", ".join(more))
    return ""
