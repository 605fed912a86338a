"""Check facts from the schema of a Job."""

from collections.abc import Collection, Mapping

from helpers.api.discovery import Server
from helpers.api.schemas import Schema, read_schema
from helpers.course.exercise import exercise
from helpers.errors import NotSolved
from helpers.language import mark, say

#: the rules of a Job on failures
RULE = ".spec.podFailurePolicy.rules[*]"


@exercise
def describe_rule(rule: Mapping[str, set], server: Server) -> None:
    """Demand the `required` fields of the rule, and its possible `actions`."""
    if fault := wrong_rule(rule, read_schema(server, "batch/v1", "Job").at(RULE)):
        raise NotSolved(fault)


def wrong_rule(rule: Mapping[str, set], schema: Schema) -> str:
    """Return how a rule differs from its schema, or ""."""
    fields = schema.fields
    must = {name for name, field in fields.items() if field.required}
    actions = set(fields["action"].node["enum"])
    for name, expected in (("required", must), ("actions", actions)):
        given = rule.get(name)
        if isinstance(given, str | Mapping) or not isinstance(given, Collection):
            return say("{name} is {given!r}, and not a set.", name=name, given=given)
        # In the column FIELD a name has its whole path.
        given = {str(word).removeprefix(f"{RULE}.") for word in given}
        if not given:
            return say("{name} is still empty.", name=name)
        if given - expected:
            extra = ", ".join(sorted(given - expected))
            fault = mark(
                "{name}: {extra} does not belong there: see REQUIRED and ENUM of "
                "`tree(depth=1)`."
            )
            return say(fault, name=name, extra=extra)
        if missing := expected - given:
            fault = mark("{name}: {missing} of {all} are still missing.")
            return say(fault, name=name, missing=len(missing), all=len(expected))
    return ""
