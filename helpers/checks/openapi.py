"""Check what a learner read in a schema, and whether the server takes a manifest."""

import json
from collections.abc import Mapping

from helpers.command import kubectl
from helpers.discovery import Server
from helpers.schemas import Schema, read_schema

#: where a Job says what its failures mean
RULE = ".spec.podFailurePolicy.rules[*]"


def rule_described(rule: Mapping[str, set], server: Server) -> str:
    """Diagnose what is wrong with `required` and `actions` of a rule."""
    return wrong_rule(rule, read_schema(server, "batch/v1", "Job").at(RULE))


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


def job_is_taken(job: dict, *, completions: int, mode: str) -> str:
    """Diagnose why the server would refuse a Job, or why it is not the wanted one."""
    asked = kubectl(
        "create",
        "--dry-run=server",
        "-o",
        "json",
        "-f",
        "-",
        input=json.dumps(job),
        check=False,
    )
    if asked.exit_code:
        return f"The server says: {asked.stderr.strip()}"
    return other_job(asked.json(), completions=completions, mode=mode)


def other_job(job: dict, *, completions: int, mode: str) -> str:
    """Return how a Job that the server accepted differs from the wanted one, or ""."""
    if job["kind"] != "Job":
        return f"It is a {job['kind']} now, and should be a Job."
    spec = job["spec"]
    if spec.get("completions") != completions:
        found = spec.get("completions")
        return f"`completions` is {found}, and there should be {completions} pods."
    if spec["completionMode"] != mode:
        return f"`completionMode` is {spec['completionMode']}, so the pods are alike."
    return ""
