"""A Table becomes a frame: kubectl's columns, right types, NA for what is missing."""

import json

import pandas as pd
import pytest

from helpers import errors, tables
from helpers.command import kubectl
from helpers.proxy import KubectlProxy


def column(name, kind="string", priority=0):
    return {"name": name, "type": kind, "priority": priority}


def table(*columns, rows=(), objects=None):
    objects = objects or [None] * len(rows)
    return {
        "kind": "Table",
        "columnDefinitions": list(columns),
        "rows": [
            {"cells": list(cells), "object": thing}
            for cells, thing in zip(rows, objects, strict=True)
        ],
    }


def values(series):
    return [None if pd.isna(value) else value for value in series]


def test_names_and_values():
    """Columns are in the server's order and spelled as kubectl prints them."""
    columns = [column("Name"), column("Last Schedule")]
    frame = tables.frame(table(*columns, rows=[("nightly", "3d4h")]))
    assert list(frame.columns) == ["NAME", "LAST SCHEDULE"]
    assert list(frame["NAME"]) == ["nightly"]
    assert list(frame["LAST SCHEDULE"]) == [pd.Timedelta(days=3, hours=4)]


@pytest.mark.parametrize(
    ("kind", "cells", "dtype", "expected"),
    [
        ("string", ["a", "", "<none>"], "string", ["a", None, None]),
        ("integer", [3, None, 0], "Int64", [3, None, 0]),
        ("number", [1.5, None], "Float64", [1.5, None]),
        ("boolean", [True, False, None], "boolean", [True, False, None]),
        ("string", ["10m", "2"], "string", ["10m", "2"]),
        ("string", [7], "string", ["7"]),
        ("string", [], "string", []),
    ],
)
def test_types(kind, cells, dtype, expected):
    """The type is the one that the server declares, and what is missing is NA."""
    frame = tables.frame(table(column("X", kind), rows=[[cell] for cell in cells]))
    assert frame["X"].dtype == dtype
    assert values(frame["X"]) == expected


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [
        ("0s", 0),
        ("119s", 119),
        ("2m5s", 125),
        ("5h30m", 19_800),
        ("3d4h", 273_600),
        ("45d", 3_888_000),
        ("2y100d", 71_712_000),
    ],
)
def test_spans(cell, seconds):
    """Every form in which kubectl writes a span becomes a timedelta."""
    frame = tables.frame(table(column("Age"), rows=[[cell], ["<unknown>"]]))
    assert frame["AGE"].dtype == "timedelta64[s]"
    assert values(frame["AGE"]) == [pd.Timedelta(seconds=seconds), None]


def test_a_column_that_holds_more_than_spans_stays_text():
    """An event that was seen again says so in the same cell."""
    cells = ["5m (x3 over 10m)", "5m"]
    frame = tables.frame(table(column("Last Seen"), rows=[[c] for c in cells]))
    assert list(frame["LAST SEEN"]) == cells


def test_dates_of_custom_resources_are_spans():
    """A printer column of type date is printed as an age, whatever its name is."""
    frame = tables.frame(table(column("Issued", "date"), rows=[["3d"]]))
    assert list(frame["ISSUED"]) == [pd.Timedelta(days=3)]


def test_wide():
    """Columns of a lower priority come only when asked for."""
    wide = table(column("Name"), column("IP", priority=1), rows=[("a", "10.0.0.1")])
    assert list(tables.frame(wide).columns) == ["NAME"]
    assert list(tables.frame(wide, wide=True).columns) == ["NAME", "IP"]


def test_namespaces():
    """They come first, as with `-A`, and not for what has none."""
    inside = {"metadata": {"namespace": "blue"}}
    rows = [("a",), ("b",)]
    spread = table(column("Name"), rows=rows, objects=[inside, inside])
    whole = table(column("Name"), rows=rows, objects=[{"metadata": {}}, None])
    assert list(tables.frame(spread, namespaces=True).columns) == ["NAMESPACE", "NAME"]
    assert list(tables.frame(spread).columns) == ["NAME"]
    assert list(tables.frame(whole, namespaces=True).columns) == ["NAME"]


def test_an_empty_list_keeps_columns_and_types():
    """Code that follows needs no special case."""
    empty = table(column("Name"), column("Ready", "integer"), column("Age"))
    frame = tables.frame(empty | {"rows": None})
    assert [str(dtype) for dtype in frame.dtypes] == [
        "string",
        "Int64",
        "timedelta64[s]",
    ]
    assert len(frame) == 0


def test_two_columns_of_one_name_are_two():
    """A custom resource may call them so."""
    twice = table(column("Name"), column("Name"), rows=[("a", "b")])
    assert tables.frame(twice).to_numpy().tolist() == [["a", "b"]]


@pytest.fixture(scope="module")
def server(cluster):
    """Yield a proxy to the real API server."""
    with KubectlProxy() as running:
        yield running


@pytest.fixture(scope="module")
def namespace(cluster):
    """Yield a namespace of these tests, which only read in it, and remove it."""
    name = cluster.create_namespace("test-tables")
    yield name
    cluster.delete_namespace(name)


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


@pytest.mark.parametrize("wide", [False, True])
def test_it_shows_what_kubectl_shows(server, suspended, wide):
    """The same columns and, but for spans, the same cells."""
    frame = tables.get_table(server, suspended, wide=wide)
    printed = kubectl("get", "jobs", *(["-o", "wide"] if wide else [])).stdout
    head, line = printed.splitlines()
    assert list(frame.columns) == head.split()
    cells = frame.drop(columns=["DURATION", "AGE"]).iloc[0]
    assert all(cell in line.split() for cell in cells)
    assert values(frame["DURATION"]) == [None]
    assert pd.Timedelta(0) <= frame["AGE"][0] < pd.Timedelta(minutes=10)


def test_one_object_is_a_table_of_one_row(server, suspended):
    """As `kubectl get job idle` prints one line."""
    assert list(tables.get_table(server, f"{suspended}/idle")["NAME"]) == ["idle"]


def test_a_list_of_all_namespaces_says_whose(server, suspended, namespace):
    """The path holds no namespace, so the rows have to."""
    frame = tables.get_table(server, "/apis/batch/v1/jobs")
    found = frame[frame["NAMESPACE"] == namespace]
    assert list(found["NAME"]) == ["idle"]


def test_what_is_no_resource_is_told(server):
    """A path that answers with something else, and one that is not there."""
    with pytest.raises(errors.NotATable) as caught:
        tables.get_table(server, "/version")
    assert caught.value.path == "/version"
    with pytest.raises(errors.ApiError) as refused:
        tables.get_table(server, "/api/v1/nosuch")
    assert refused.value.status == 404
