"""The ways of a field are those that the server has looked at."""

import pytest

from helpers.errors import KubectlFailed
from helpers.exercises.checks import downward_api_in_depth as lesson


def test_a_refusal_for_another_reason_accepts_no_field(scripted):
    """Such as that of a namespace that is gone: no field is named in it."""
    scripted("""echo 'Error from server (NotFound): namespaces "a" not found' >&2
    exit 1""")
    with pytest.raises(KubectlFailed, match="not found"):
        lesson.ask_ways(["metadata.name"])


def test_a_field_has_the_ways_that_are_not_refused(scripted):
    scripted("""echo 'Pod "a" is invalid: spec.volumes[0].x: Unsupported value: "b"' >&2
    exit 1""")
    assert lesson.ask_ways(["b", "c"]) == {"b": {"V"}, "c": {"V", "F"}}
