"""Check what a learner read in the schema of a Job."""

from collections.abc import Mapping

from helpers import errors
from helpers.discovery import Server
from helpers.exercise import exercise
from helpers.schemas import Schema, read_schema

#: where a Job says what its failures mean
RULE = ".spec.podFailurePolicy.rules[*]"


@exercise
def describe_rule(rule: Mapping[str, set], server: Server) -> None:
    """Demand the `required` fields of such a rule, and the `actions` it can name."""
    if fault := wrong_rule(rule, read_schema(server, "batch/v1", "Job").at(RULE)):
        raise errors.NotSolved(fault)


def wrong_rule(rule: Mapping[str, set], schema: Schema) -> str:
    """Return how a rule differs from its schema, or ""."""
    fields = schema.fields
    must = {name for name, field in fields.items() if field.required}
    actions = set(fields["action"].node["enum"])
    for name, wanted in (("required", must), ("actions", actions)):
        given = rule.get(name)
        if not isinstance(given, set | frozenset | list | tuple):
            return f"{name} is {given!r}, not a set of names."
        given = set(given)
        if not given:
            return f"{name} is still empty."
        if given - wanted:
            extra = ", ".join(sorted(map(str, given - wanted)))
            return f"{name}: {extra} does not belong there; look at REQUIRED and ENUM."
        if wanted - given:
            return f"{name}: {len(wanted - given)} more belong there."
    return ""
