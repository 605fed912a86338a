"""Check the owners of fields."""

from collections.abc import Collection, Mapping

from helpers.command import kubectl
from helpers.course.exercise import exercise
from helpers.errors import NotSolved
from helpers.language import mark, say
from helpers.views.managedfields import owners_by_field

_WANTED = {".data.color": ["one"], ".data.size": ["one", "two"]}
_VALUES = {"color": "blue", "size": "small"}


@exercise
def give_up_fields(before: dict) -> None:
    """Demand the right values and owners in the ConfigMap `settings`.

    `before` is the ConfigMap before the exercise: it must be the same one.
    """
    line = "get configmap settings --output=json --show-managed-fields"
    answer = kubectl(f"{line} --ignore-not-found")
    if not answer.stdout:
        raise NotSolved(say("There is no ConfigMap settings: run the cells above."))
    settings = answer.json()
    if settings["metadata"]["uid"] != before["metadata"]["uid"]:
        fault = mark(
            "The ConfigMap is a new one: the old one was deleted. Run the cells above "
            "again, and only apply."
        )
        raise NotSolved(say(fault))
    if fault := wrong_owner(settings, _WANTED):
        raise NotSolved(fault)
    for field, value in _VALUES.items():
        if (data := settings["data"][field]) != value:
            fault = mark("The owners are right, but {field} is {data!r}, not {goal!r}.")
            raise NotSolved(say(fault, field=field, data=data, goal=value))


def wrong_owner(obj: dict, owners: Mapping[str, Collection[str]]) -> str:
    """Return which field of a ConfigMap has the wrong owner, or ""; pure.

    `owners` maps fields, written as in a conflict, to the names of their managers.
    Other data should not be there.
    """
    entries = obj["metadata"].get("managedFields", ())
    applied = [entry for entry in entries if entry["operation"] == "Apply"]
    actual = owners_by_field(obj)
    appliers = owners_by_field({"metadata": {"managedFields": applied}})
    for field in sorted(path for path in actual if path.startswith(".data.")):
        if more := sorted(actual[field] - set(owners.get(field, ()))):
            fault = mark(
                "{field} is still owned by {owners}: a manager gives a field up by "
                "applying without it."
            )
            return say(fault, field=field, owners=", ".join(more))
    for field, names in owners.items():
        if lacking := sorted(set(names) - appliers.get(field, set())):
            fault = mark(
                "{field} is not applied by {wanted}: you become an owner by applying "
                "the field."
            )
            return say(fault, field=field, wanted=", ".join(lacking))
    return ""
