"""What is wrong with an answer about a schema is said, and a right one is taken."""

import pytest

from helpers.checks.openapi import describe_rule, wrong_rule
from helpers.errors import NotSolved
from helpers.proxy import KubectlProxy
from helpers.schemas import Schema

RULE = Schema(
    "Rule",
    {
        "required": ["action"],
        "properties": {
            "action": {"type": "string", "enum": ["Count", "Ignore"]},
            "codes": {"type": "array", "items": {"type": "integer"}},
        },
    },
    {},
)


@pytest.mark.parametrize(
    ("required", "actions", "said"),
    [
        ({"action"}, {"Count", "Ignore"}, ""),
        (set(), {"Count", "Ignore"}, "required is still empty"),
        ({"action", "codes"}, {"Count", "Ignore"}, "codes does not belong there"),
        ({"action"}, {"Count"}, "1 of 2 are still missing"),
        ("action", {"Count", "Ignore"}, "not a set"),
    ],
)
def test_wrong_rule(required, actions, said):
    """What is missing, and what is too much."""
    diagnosis = wrong_rule({"required": required, "actions": actions}, RULE)
    assert said in diagnosis if said else diagnosis == ""


def test_the_schema_of_the_server_counts(cluster):
    actions = {"Count", "FailIndex", "FailJob", "Ignore"}
    with KubectlProxy() as proxy:
        describe_rule({"required": {"action"}, "actions": actions}, proxy)
        with pytest.raises(NotSolved, match="required is still empty"):
            describe_rule({"required": set(), "actions": set()}, proxy)
