"""Paths of fields are read as kubectl reads them, and what is none is named."""

import pytest

from helpers import errors, fieldpath


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        (".metadata.name", ["metadata", "name"]),
        ("metadata.name", ["metadata", "name"]),
        ("{.metadata.name}", ["metadata", "name"]),
        (" .metadata.name ", ["metadata", "name"]),
        (".spec.containers[0].image", ["spec", "containers", 0, "image"]),
        (".spec.containers[-1].name", ["spec", "containers", -1, "name"]),
        (".spec.containers[*].name", ["spec", "containers", None, "name"]),
        (r".labels.app\.io/name", ["labels", "app.io/name"]),
        (".labels['app.io/name']", ["labels", "app.io/name"]),
        ('.data["ca.crt"]', ["data", "ca.crt"]),
        (".spec.grid[0][1]", ["spec", "grid", 0, 1]),
    ],
)
def test_steps(path, steps):
    """Names, indices, and None for each element."""
    assert fieldpath.steps(path) == steps


@pytest.mark.parametrize(
    "path", "|.|{}|a b|a..b|[x]|.a[|.a['b|.a[1:2]|.a[?(@.b)]|.a,B".split("|")
)
def test_what_is_no_path(path):
    """The error names it, and shows how to write one."""
    with pytest.raises(errors.BadPath) as caught:
        fieldpath.steps(path)
    assert caught.value.path == path
