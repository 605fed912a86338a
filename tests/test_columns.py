"""Columns are read as kubectl reads them, and a clear error names what cannot be."""

import pytest

from helpers import columns, errors

POD = {
    "metadata": {"name": "web", "labels": {"app.io/name": "web", "tier": "1"}},
    "spec": {
        "containers": [
            {"name": "main", "image": "a", "ports": [{"port": 80}, {"port": 81}]},
            {"name": "side", "ports": [{"port": 90}]},
        ],
        "grid": [[1, 2], [3, 4]],
        "nodeName": None,
    },
    "data": {"ca.crt": "PEM", "x,y": 1},
}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        (".metadata.name", ["web"]),
        ("metadata.name", ["web"]),
        ("{.metadata.name}", ["web"]),
        (" .metadata.name ", ["web"]),
        (".spec.containers[0].image", ["a"]),
        (".spec.containers[-1].name", ["side"]),
        (".spec.containers[2].name", []),
        (".spec.containers[-3].name", []),
        (".spec.containers[*].name", ["main", "side"]),
        (".spec.containers[*].image", ["a"]),
        (".spec.containers[*].ports[*].port", [80, 81, 90]),
        (r".metadata.labels.app\.io/name", ["web"]),
        (".metadata.labels['app.io/name']", ["web"]),
        (".metadata.labels[*]", ["web", "1"]),
        ('.data["ca.crt"]', ["PEM"]),
        (".spec.grid[0][1]", [2]),
        (".spec.nodeName", []),
        (".status.phase", []),
        (".metadata.name.first", []),
        (".metadata.name[0]", []),
    ],
)
def test_values(path, values):
    """Names, indices, each element; what is missing is left out, as by kubectl."""
    assert columns.values(POD, columns.steps(path)) == values


def test_a_name_where_there_is_a_list():
    """kubectl prints `<none>` for it; the error says what to write."""
    with pytest.raises(errors.BadColumn) as caught:
        columns.values(POD, columns.steps(".spec.containers.image"))
    assert caught.value.column == "image" and "[*]" in str(caught.value)


@pytest.mark.parametrize(
    "path", "|.|{}|a b|a..b|[x]|.a[|.a['b|.a[1:2]|.a[?(@.b)]|.a,B".split("|")
)
def test_what_is_no_path(path):
    """The error names it, and shows how to write one."""
    with pytest.raises(errors.BadColumn) as caught:
        columns.steps(path)
    assert caught.value.column == path


def test_read_text():
    """The text of kubectl's option; the name of a field can contain a comma."""
    text = r"NAME:.metadata.name, A B:.data['x,y'],C:.data.x\.y"
    assert columns.read(text) == {
        "NAME": ".metadata.name",
        "A B": ".data['x,y']",
        "C": r".data.x\.y",
    }


@pytest.mark.parametrize("text", ["", "NAME", {}])
def test_read_nothing(text):
    """A column without a path, and no columns at all."""
    with pytest.raises(errors.BadColumn):
        columns.read(text)
