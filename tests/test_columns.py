"""Columns are read as kubectl reads them, and what cannot be read is told."""

import pytest

from cluster import errors
from helpers import columns


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        (".metadata.name", ["metadata", "name"]),
        ("metadata.name", ["metadata", "name"]),
        ("{.metadata.name}", ["metadata", "name"]),
        (" .status ", ["status"]),
        (".spec.containers[0].image", ["spec", "containers", 0, "image"]),
        (".spec.containers[-1].image", ["spec", "containers", -1, "image"]),
        (".spec.containers[*].image", ["spec", "containers", None, "image"]),
        (r".metadata.labels.app\.io/name", ["metadata", "labels", "app.io/name"]),
        (".metadata.labels['app.io/name']", ["metadata", "labels", "app.io/name"]),
        ('.data["ca.crt"]', ["data", "ca.crt"]),
        (".grid[0][1]", ["grid", 0, 1]),
    ],
)
def test_steps(path, steps):
    """Names, places in lists, each element; a dot in a name is escaped or quoted."""
    assert columns.steps(path) == steps


@pytest.mark.parametrize(
    "path",
    ["", ".", "{}", "a b", "a..b", "[x]", ".a[", ".a['b", ".a[1:2]", ".a[?(@.b)]"],
)
def test_what_is_no_path(path):
    """It is named, and so is how to write one."""
    with pytest.raises(errors.BadColumn) as caught:
        columns.steps(path)
    assert caught.value.column == path


def test_read_text():
    """The text of kubectl's option; a comma may stand in the name of a field."""
    text = r"NAME:.metadata.name, A B:.data['x,y'],C:.data.x\.y"
    assert columns.read(text) == {
        "NAME": ".metadata.name",
        "A B": ".data['x,y']",
        "C": r".data.x\.y",
    }


@pytest.mark.parametrize("text", ["", "NAME", "NAME:.a,.b", {}])
def test_read_nothing(text):
    """Columns without a name, and no columns at all."""
    with pytest.raises(errors.BadColumn):
        columns.tree(columns.read(text))


def test_tree():
    """What columns share is there once, and each place knows who wants it."""
    root = columns.tree(
        {"A": ".spec.list[0].image", "B": ".spec.list[*].image", "C": ".spec.list[0]"}
    )
    assert list(root.children) == ["spec"]
    listed = root.children["spec"].children["list"]
    assert list(listed.elements) == [0, None]
    assert {place.path: place.names for place in root.leaves()} == {
        ".spec.list[0]": ["C"],
        ".spec.list[0].image": ["A"],
        ".spec.list[*].image": ["B"],
    }
