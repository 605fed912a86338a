"""Lists become frames: columns and cells as kubectl prints them, typed."""

import json

import pandas as pd
import pytest

from helpers import errors, tables
from helpers.command import kubectl
from helpers.proxy import KubectlProxy
from helpers.schemas import read_schema


def column(name, kind="string", priority=0):
    return {"name": name, "type": kind, "priority": priority}


def frame(*columns, rows=(), namespaces=(), **options):
    """Return the frame of a Table with these columns, and a row per tuple of cells."""
    made = [{"cells": list(cells), "object": None} for cells in rows]
    for row, namespace in zip(made, namespaces, strict=False):
        row["object"] = {"metadata": namespace}
    table = {"columnDefinitions": list(columns), "rows": made or None}
    return tables.frame([table], **options)


def values(series):
    return [None if pd.isna(value) else value for value in series]


@pytest.mark.parametrize(
    ("kind", "cells", "dtype", "expected"),
    [
        ("string", ["a", "", "<none>"], "string", ["a", None, None]),
        ("string", ["10m", "2"], "string", ["10m", "2"]),
        ("string", [7, [1, "a"]], "string", ["7", '[1, "a"]']),
        ("string", [], "string", []),
        ("integer", [3, None, 0], "Int64", [3, None, 0]),
        ("integer", [], "Int64", []),
        ("number", [1.5, None], "Float64", [1.5, None]),
        ("boolean", [True, False, None], "boolean", [True, False, None]),
    ],
)
def test_types(kind, cells, dtype, expected):
    """The server declares the type; an empty list keeps its columns."""
    found = frame(column("X", kind), rows=[[cell] for cell in cells])
    assert found["X"].dtype == dtype
    assert values(found["X"]) == expected


@pytest.mark.parametrize(
    ("name", "kind", "cell", "seconds"),
    [
        ("Age", "string", "0s", 0),
        ("Age", "string", "119s", 119),
        ("Duration", "string", "2m5s", 125),
        ("Age", "string", "5h30m", 19_800),
        ("Last Schedule", "string", "3d4h", 273_600),
        ("Last Seen", "string", "45d", 3_888_000),
        ("Issued", "date", "2y100d", 71_712_000),
    ],
)
def test_spans(name, kind, cell, seconds):
    """Spans are timedeltas: in kubectl's columns, and in dates of custom resources."""
    spans = frame(column(name, kind), rows=[[cell], ["<unknown>"]])[name.upper()]
    assert spans.dtype == "timedelta64[s]"
    assert values(spans) == [pd.Timedelta(seconds=seconds), None]


def test_a_column_that_holds_more_than_spans_stays_text():
    """An event that was seen again says so in the same cell."""
    cells = ["5m (x3 over 10m)", "5m"]
    found = frame(column("Last Seen"), rows=[[cell] for cell in cells])
    assert list(found["LAST SEEN"]) == cells


def test_which_columns():
    """Those of `-o wide` not, NAMESPACE where rows have one, twins as two."""
    shown = (column("Name"), column("IP", priority=1), column("Name"))
    rows = [("a", "10.0.0.1", "b")]
    assert list(frame(*shown, rows=rows).columns) == ["NAME", "NAME"]
    inside = frame(*shown, rows=rows, namespaces=[{"namespace": "blue"}])
    assert list(inside.columns) == ["NAMESPACE", "NAME", "NAME"]
    assert "NAMESPACE" not in frame(*shown, rows=rows, namespaces=[{}])


@pytest.fixture(scope="module")
def server(cluster):
    """Yield a proxy to the real API server that notes what it is asked for."""
    with KubectlProxy() as proxy:
        yield Noting(proxy)


class Noting:
    """Reads by a proxy; `asked` has path and form of each request."""

    def __init__(self, proxy):
        self._proxy = proxy
        self.asked = []

    def read(self, path, *, accept="application/json"):
        self.asked.append((path, accept))
        return self._proxy.read(path, accept=accept)


@pytest.fixture(scope="module")
def suspended(namespace):
    """Make a Job that runs nothing; return the path of the list that it is in."""
    container = {"name": "main", "image": "toolbox:1", "command": ["true"]}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "idle"},
        "spec": {
            "suspend": True,
            "template": {"spec": {"restartPolicy": "Never", "containers": [container]}},
        },
    }
    kubectl("create", "-f", "-", input=json.dumps(job))
    kubectl("wait", "--for=condition=Suspended", "job/idle")
    return f"/apis/batch/v1/namespaces/{namespace}/jobs"


def test_it_shows_what_kubectl_shows(server, suspended):
    """The same columns and, but for spans, the same cells; no objects are sent."""
    found = tables.get_table(server, suspended)
    printed = kubectl("get", "jobs").stdout
    head, line = printed.splitlines()
    assert list(found.columns) == head.split()
    cells = found.drop(columns=["DURATION", "AGE"]).iloc[0]
    assert all(cell in line.split() for cell in cells)
    assert values(found["DURATION"]) == [None]
    assert pd.Timedelta(0) <= found["AGE"][0] < pd.Timedelta(minutes=10)
    assert "includeObject=None" in server.asked[-1][0]


def test_columns_in_the_words_of_kubectl(server, suspended, namespace):
    """The same text gives kubectl a table and us a frame."""
    text = (
        "NAME:.metadata.name,SUSPENDED:.spec.suspend,MODE:.spec.completionMode,"
        "IMAGES:.spec.template.spec.containers[*].image"
    )
    found = tables.get_custom_columns(server, suspended, text)
    printed = kubectl("get", "jobs", "-n", namespace, "-o", f"custom-columns={text}")
    head, line = printed.stdout.splitlines()
    assert list(found.columns) == head.split()
    found["IMAGES"] = found["IMAGES"].str.join(",")
    assert [str(cell).lower() for cell in found.iloc[0]] == line.lower().split()


@pytest.mark.parametrize(
    ("query", "rows"), [("", 1), ("/idle", 1), ("?labelSelector=nosuch", 0)]
)
def test_a_list_one_object_and_none(server, suspended, query, rows):
    """An object is a row; an empty list has columns of the right types."""
    columns = {
        "NAME": ".metadata.name",
        "PARALLEL": ".spec.parallelism",
        "SPEC": ".spec",
        "LABELS": ".metadata.labels",
    }
    found = tables.get_custom_columns(server, suspended + query, columns)
    assert [*map(str, found.dtypes)] == ["string", "Int64", "object", "object"]
    assert len(found) == len(tables.get_table(server, suspended + query)) == rows
    for row in found.itertuples():
        assert row.SPEC["template"]["spec"]["containers"][0]["image"] == "toolbox:1"
        assert row.LABELS["job-name"] == "idle"


@pytest.mark.parametrize("query", ["", "/idle"])
def test_metadata_alone_is_asked_for(server, suspended, query):
    """Where a list's columns need nothing else, the rest stays on the server."""
    columns = {"NAME": ".metadata.name", "AT": ".metadata.creationTimestamp"}
    found = tables.get_custom_columns(server, suspended + query, columns)
    asked = [accept for path, accept in server.asked if suspended in path][-1]
    assert ("as=PartialObjectMetadataList" in asked) == (not query)
    assert found["AT"].dtype == "datetime64[s, UTC]"
    assert list(found["NAME"]) == ["idle"]


@pytest.mark.parametrize("path", [".spec.paralelism", ".metadata.nam", ".stats"])
def test_unknown_fields_are_told(server, suspended, path):
    """With the name that was perhaps meant."""
    with pytest.raises(errors.UnknownField) as caught:
        tables.get_custom_columns(server, suspended, {"X": path})
    assert caught.value.path == path
    assert any(w in caught.value.way_out for w in ("parallelism", "name", "status"))


def test_without_a_schema_values_tell_their_types(server, suspended):
    """Not everybody is allowed to read the schemas; times are text then."""

    class Refusing:
        def read(self, path, *, accept="application/json"):
            if path.startswith("/openapi"):
                raise errors.ApiError("GET", path, 403, "")
            return server.read(path, accept=accept)

    columns = {
        "NAME": ".metadata.name",
        "PARALLEL": ".spec.parallelism",
        "AT": ".metadata.creationTimestamp",
        "X": ".spec.paralelism",
    }
    found = tables.get_custom_columns(Refusing(), suspended, columns)
    assert [*map(str, found.dtypes)] == ["string", "Int64", "string", "object"]


@pytest.mark.parametrize(
    ("path", "error", "says"),
    [
        ("/version", errors.LabError, "/version answers with other JSON, not with a"),
        ("/livez", errors.LabError, "/livez answers with text, not with a Table"),
        ("/api/v1/nosuch", errors.ApiError, "404"),
    ],
)
def test_what_is_no_resource_is_told(server, path, error, says):
    """A path that answers with something else, and one that is not there."""
    for read, more in ((tables.get_table, []), (tables.get_custom_columns, ["A:.a"])):
        with pytest.raises(error, match=says):
            read(server, path, *more)


QUANTITY = {
    "anyOf": [{"type": "integer"}, {"type": "string"}],
    "pattern": r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|"
    r"([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$",
    "x-kubernetes-int-or-string": True,
}
SPEC = {
    "since": {"type": "string", "format": "date-time"},
    "turns": {"type": "integer"},
    "size": QUANTITY,
    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
}
COLUMNS = [("Size", "string"), ("Since", "date"), ("Turns", "integer")]
VERSION = {
    "name": "v1",
    "served": True,
    "storage": True,
    "additionalPrinterColumns": [
        {"name": name, "type": kind, "jsonPath": f".spec.{name.lower()}"}
        for name, kind in COLUMNS
    ],
    "schema": {
        "openAPIV3Schema": {
            "type": "object",
            "properties": {"spec": {"type": "object", "properties": SPEC}},
        }
    },
}


@pytest.fixture
def wheels(namespace):
    """Define a kind of our own, make two objects of it; yield the path of the list."""
    group = f"{namespace}.example.com"
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"wheels.{group}"},
        "spec": {
            "group": group,
            "names": {"plural": "wheels", "singular": "wheel", "kind": "Wheel"},
            "scope": "Namespaced",
            "versions": [VERSION],
        },
    }
    kubectl("create", "-f", "-", input=json.dumps(crd))
    kubectl("wait", "--for=condition=Established", f"crd/wheels.{group}")
    since, free = "2026-11-25T10:00:00.5+01:00", {"a": {"b": 1}}
    specs = {
        "big": {"size": "2Gi", "since": since, "turns": 7, "free": free},
        "small": {"size": 5},
    }
    for name, spec in specs.items():
        wheel = {"apiVersion": f"{group}/v1", "kind": "Wheel", "spec": spec}
        wheel["metadata"] = {"name": name, "namespace": namespace}
        kubectl("create", "-f", "-", input=json.dumps(wheel))
    yield f"/apis/{group}/v1/wheels"
    kubectl("delete", "crd", f"wheels.{group}")


def test_custom_resources(server, wheels, namespace):
    """They have a schema of their own, and read like any other kind."""
    columns = {
        "NAME": ".metadata.name",
        "SIZE": ".spec.size",
        "SINCE": ".spec.since",
        "TURNS": ".spec.turns",
        "FREE": ".spec.free.a.b",
    }
    # A schema is published a moment after the kind is served.
    read_schema(server, f"{namespace}.example.com/v1", "Wheel", timeout=30)
    found = tables.get_custom_columns(server, wheels, columns)
    dtypes = ["string", "Float64", "datetime64[us, UTC]", "Int64", "Int64"]
    assert [*map(str, found.dtypes)] == dtypes
    assert values(found["SIZE"]) == [2 * 1024**3, 5.0]
    assert values(found["SINCE"]) == [pd.Timestamp("2026-11-25T09:00:00.5Z"), None]
    assert values(found["TURNS"]) == [7, None]
    assert values(found["FREE"]) == [1, None]
    assert found.attrs["units"] == {"SIZE": "count"}
    printed = tables.get_table(server, wheels)
    assert list(printed.columns) == ["NAMESPACE", "NAME", "SIZE", "SINCE", "TURNS"]
    assert list(printed["NAMESPACE"]) == [namespace] * 2
    meta = tables.get_custom_columns(server, wheels, {"N": ".metadata.name"})
    assert list(meta["N"]) == ["big", "small"]


def test_a_long_list_comes_in_pages(server, namespace, monkeypatch, request):
    """Rows and order are the server's, in one namespace or in several."""
    # No other test has these, so that none comes or goes between two requests.
    kind = {"apiVersion": "v1", "kind": "LimitRange", "spec": {"limits": []}}
    items = [
        {**kind, "metadata": {"name": f"c-{number:02}", "namespace": where}}
        for number in range(5)
        for where in (namespace, "default")
    ]
    names = [f"limitrange/c-{number:02}" for number in range(5)]
    clean = ("delete", *names, "--namespace=default", "--ignore-not-found")
    request.addfinalizer(lambda: kubectl(*clean))
    listed = {"apiVersion": "v1", "kind": "List", "items": items}
    kubectl("create", "-f", "-", input=json.dumps(listed))
    path = "/api/v1/limitranges"
    wanted = [
        (each["metadata"]["namespace"], each["metadata"]["name"])
        for each in server.read(path)["items"]
    ]
    monkeypatch.setattr(tables, "LIMIT", 3)
    fields = {"NAMESPACE": ".metadata.namespace", "NAME": ".metadata.name"}
    for found in (
        tables.get_table(server, path),
        tables.get_custom_columns(server, path, fields),
        tables.get_custom_columns(server, path, fields | {"L": ".spec"}),
    ):
        assert [*zip(found["NAMESPACE"], found["NAME"], strict=True)] == wanted
    assert len(wanted) == 10 and "continue=" in server.asked[-1][0]
