"""Check the ways of a field into a container, as the API server decides."""

import re
from collections.abc import Mapping

from helpers.command import kubectl
from helpers.course.exercise import exercise, letters_of
from helpers.errors import KubectlFailed, NotSolved
from helpers.language import mark, say

#: the fields of the exercise, and the letters: a variable, a file, or both
FIELDS = (
    "metadata.name",
    "metadata.uid",
    "metadata.labels",
    "metadata.labels['foo']",
    "spec.nodeName",
    "status.podIP",
    "limits.memory",
)
VARIABLE, FILE, BOTH = "V", "F", "B"
_TAKEN = {
    BOTH: mark("{field}: not {letter!r}. The server accepts it either way."),
    VARIABLE: mark(
        "{field}: not {letter!r}. The server accepts it as a variable only."
    ),
    FILE: mark("{field}: not {letter!r}. The server accepts it as a file only."),
}
#: a value that the server refuses, and whether it stood in a volume or a container
_REFUSED = re.compile(r'spec\.(volumes|containers)\[.*? value: "([^"]+)"')


@exercise
def choose_ways(ways: Mapping[str, str]) -> None:
    """Demand the ways of each field, as a dry run shows."""
    allowed = ask_ways(list(FIELDS))
    for field in FIELDS:
        letter = letters_of(ways.get(field, ""))
        if letter not in (VARIABLE, FILE, BOTH):
            raise NotSolved(say("{field}: write 'V', 'F' or 'B'.", field=field))
        right = BOTH if len(allowed[field]) == 2 else min(allowed[field])
        if letter != right:
            raise NotSolved(say(_TAKEN[right], field=field, letter=letter))


def ask_ways(fields: list[str]) -> dict[str, set[str]]:
    """Return the ways in which the API server accepts each field: VARIABLE, FILE.

    The same as `kubectl create --dry-run=server` for a pod with each field both ways.
    """
    line = "create --dry-run=server -f -"
    done = kubectl(line, input=pod_with_fields(fields), check=False)
    if done.exit_code and "is invalid" not in done.stderr:
        # The server has not looked at the fields: the namespace may be gone.
        raise KubectlFailed(done.args, done.exit_code, done.stderr)
    refused = set(_REFUSED.findall(done.stderr))
    return {
        field: {
            way
            for way, place in ((VARIABLE, "containers"), (FILE, "volumes"))
            if (place, field) not in refused
        }
        for field in fields
    }


def pod_with_fields(fields: list[str]) -> dict:
    """Return a pod that asks for each field as a variable and as a file."""
    sources = [_source(field) for field in fields]
    container = {
        "name": "main",
        "image": "toolbox:1",
        "env": [
            {"name": f"FIELD_{number}", "valueFrom": source}
            for number, source in enumerate(sources)
        ],
    }
    items = [
        {"path": f"field-{number}", **source} for number, source in enumerate(sources)
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "asking-"},
        "spec": {
            "containers": [container],
            "volumes": [{"name": "downward", "downwardAPI": {"items": items}}],
        },
    }


def _source(field: str) -> dict:
    if field.startswith(("limits.", "requests.")):
        return {"resourceFieldRef": {"containerName": "main", "resource": field}}
    return {"fieldRef": {"fieldPath": field}}
