"""A Table becomes a frame: kubectl's columns, right types, NA for what is missing."""

import json

import pandas as pd
import pytest
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from cluster import errors
from cluster.kubeconfig import read_kubeconfig
from helpers import tables
from helpers.apireader import ApiReader
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


@pytest.fixture(scope="module")
def reader(cluster):
    """Yield a connection to the real API server."""
    with ApiReader(cluster.kubeconfig) as server:
        yield server


def test_columns_are_chosen_by_name(reader, suspended):
    """In the order asked for, also those of `-o wide`; an unknown one is told."""
    frame = tables.get_table(reader, suspended, columns=["IMAGES", "NAME"])
    assert frame.to_numpy().tolist() == [["toolbox:1", "idle"]]
    with pytest.raises(errors.UnknownColumn) as caught:
        tables.get_table(reader, suspended, columns=["NODE"])
    assert caught.value.column == "NODE"
    assert "IMAGES" in caught.value.way_out


def test_a_proxy_and_a_connection_read_the_same(server, reader, suspended):
    """Whoever asks, kubectl's proxy or we ourselves."""
    columns = {"NAME": ".metadata.name", "PARALLEL": ".spec.parallelism"}
    frames = [
        tables.get_custom_columns(s, suspended, columns) for s in (server, reader)
    ]
    pd.testing.assert_frame_equal(*frames)
    assert frames[0].to_numpy().tolist() == [["idle", 1]]


def test_columns_in_the_words_of_kubectl(reader, suspended, namespace):
    """The same text gives kubectl a table and us a frame."""
    text = "NAME:.metadata.name,SUSPENDED:.spec.suspend,MODE:.spec.completionMode"
    frame = tables.get_custom_columns(reader, suspended, text)
    printed = kubectl("get", "jobs", "-n", namespace, "-o", f"custom-columns={text}")
    head, line = printed.stdout.splitlines()
    assert list(frame.columns) == head.split()
    assert [str(cell).lower() for cell in frame.iloc[0]] == line.lower().split()


def test_metadata_alone_is_asked_for(reader, suspended):
    """Where columns want nothing else, the rest stays on the server."""
    asked = []

    class Noting:
        """Notes the forms that are asked for."""

        def ask(self, path, *, accept):
            asked.append(accept)
            return reader.ask(path, accept=accept)

    columns = {"NAME": ".metadata.name", "AT": ".metadata.creationTimestamp"}
    frame = tables.get_custom_columns(Noting(), suspended, columns)
    assert "as=PartialObjectMetadataList" in asked[0]
    assert frame["AT"].dtype == "datetime64[s, UTC]"
    assert list(frame["NAME"]) == ["idle"]


@pytest.mark.parametrize("path", ["/idle", "?labelSelector=nosuch", ""])
def test_one_object_and_none(reader, suspended, path):
    """An object is a row; an empty list has columns of the right types, and no row."""
    columns = {"NAME": ".metadata.name", "PARALLEL": ".spec.parallelism"}
    frame = tables.get_custom_columns(reader, suspended + path, columns)
    assert [str(dtype) for dtype in frame.dtypes] == ["string", "Int64"]
    assert len(frame) == (0 if "nosuch" in path else 1)


def test_whole_parts_come_as_json(reader, suspended):
    """What protobuf has no single value for is read as JSON, and is all there."""
    columns = {"NAME": ".metadata.name", "SPEC": ".spec", "LABELS": ".metadata.labels"}
    row = tables.get_custom_columns(reader, suspended, columns).iloc[0]
    assert row["NAME"] == "idle"
    assert row["SPEC"]["template"]["spec"]["containers"][0]["image"] == "toolbox:1"
    assert row["LABELS"]["job-name"] == "idle"


@pytest.mark.parametrize("path", [".spec.paralelism", ".metadata.nam", ".stats"])
def test_unknown_fields_are_told(reader, suspended, path):
    """With the name that was perhaps meant."""
    with pytest.raises(errors.UnknownField) as caught:
        tables.get_custom_columns(reader, suspended, {"X": path})
    assert caught.value.path == path
    assert any(w in caught.value.way_out for w in ("parallelism", "name", "status"))


def test_refusals_are_the_servers(cluster, suspended, tmp_path):
    """403 names who may not do what, 404 what is not there."""
    token = kubectl("create", "token", "default", "-n", "kube-public").stdout.strip()
    document = read_kubeconfig(cluster.kubeconfig)
    document["users"][0]["user"] = {"token": token}
    (tmp_path / "kubeconfig").write_text(json.dumps(document))
    with ApiReader(tmp_path / "kubeconfig") as nobody:
        for read in (tables.get_table, tables.get_custom_columns):
            columns = {"columns": {"A": ".a"}} if "custom" in read.__name__ else {}
            with pytest.raises(errors.ApiError) as caught:
                read(nobody, suspended, **columns)
            assert caught.value.status == 403
            assert 'cannot list resource "jobs"' in caught.value.message
            with pytest.raises(errors.ApiError) as caught:
                read(nobody, "/apis/nosuch/v1/x", **columns)
            assert caught.value.status in (403, 404)


def test_no_resource(reader):
    """A path of the server that holds no objects."""
    with pytest.raises(errors.NotATable):
        tables.get_custom_columns(reader, "/version", {"A": ".major"})


CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "spec": {
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "additionalPrinterColumns": [
                    {"name": "Size", "type": "string", "jsonPath": ".spec.size"},
                    {"name": "Since", "type": "date", "jsonPath": ".spec.since"},
                    {"name": "Turns", "type": "integer", "jsonPath": ".spec.turns"},
                ],
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {
                                    "since": {"type": "string", "format": "date-time"},
                                    "turns": {"type": "integer"},
                                    "size": {
                                        "anyOf": [
                                            {"type": "integer"},
                                            {"type": "string"},
                                        ],
                                        "pattern": r"^(\+|-)?(([0-9]+(\.[0-9]*)?)"
                                        r"|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|"
                                        r"([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|"
                                        r"(\.[0-9]+))))?$",
                                        "x-kubernetes-int-or-string": True,
                                    },
                                    "free": {
                                        "type": "object",
                                        "x-kubernetes-preserve-unknown-fields": True,
                                    },
                                },
                            }
                        },
                    }
                },
            }
        ],
    },
}


@pytest.fixture
def wheels(namespace):
    """Define a kind of our own, make two objects of it; yield the path of the list."""
    group = f"{namespace}.example.com"
    names = {"plural": "wheels", "singular": "wheel", "kind": "Wheel"}
    spec = {**CRD["spec"], "group": group, "names": names}
    crd = {**CRD, "metadata": {"name": f"wheels.{group}"}, "spec": spec}
    kubectl("create", "-f", "-", input=json.dumps(crd))
    kubectl("wait", "--for=condition=Established", f"crd/wheels.{group}")
    specs = {
        "big": {
            "size": "2Gi",
            "since": "2026-11-25T10:00:00.5+01:00",
            "turns": 7,
            "free": {"a": {"b": 1}},
        },
        "small": {"size": 5},
    }
    for name, spec in specs.items():
        wheel = {"apiVersion": f"{group}/v1", "kind": "Wheel", "spec": spec}
        wheel["metadata"] = {"name": name, "namespace": namespace}
        kubectl("create", "-f", "-", input=json.dumps(wheel))
    yield f"/apis/{group}/v1/wheels"
    kubectl("delete", "crd", f"wheels.{group}")


def test_custom_resources(reader, wheels, namespace):
    """They have no protobuf and a schema of their own, and read like any other."""
    columns = {
        "NAME": ".metadata.name",
        "SIZE": ".spec.size",
        "SINCE": ".spec.since",
        "TURNS": ".spec.turns",
        "FREE": ".spec.free.a.b",
    }
    wait = Retrying(
        retry=retry_if_exception_type(AssertionError),
        stop=stop_after_delay(30),
        wait=wait_fixed(0.2),
        reraise=True,
    )
    # A schema is published a moment after the kind is served.
    frame = wait(lambda: typed(tables.get_custom_columns(reader, wheels, columns)))
    assert values(frame["SIZE"]) == [2 * 1024**3, 5.0]
    assert values(frame["SINCE"]) == [pd.Timestamp("2026-11-25T09:00:00.5Z"), None]
    assert values(frame["TURNS"]) == [7, None]
    assert values(frame["FREE"]) == [1, None]
    assert frame.attrs["units"] == {"SIZE": "count"}
    with pytest.raises(errors.UnknownField):
        tables.get_custom_columns(reader, wheels, {"X": ".spec.sizes"})
    printed = tables.get_table(reader, wheels)
    assert list(printed.columns) == ["NAMESPACE", "NAME", "SIZE", "SINCE", "TURNS"]
    assert list(printed["NAMESPACE"]) == [namespace] * 2
    meta = tables.get_custom_columns(reader, wheels, {"N": ".metadata.name"})
    assert list(meta["N"]) == ["big", "small"]


def typed(frame):
    dtypes = [str(dtype) for dtype in frame.dtypes]
    assert dtypes == ["string", "Float64", "datetime64[us, UTC]", "Int64", "Int64"]
    return frame


def test_a_long_list_in_many_namespaces(reader, namespace, monkeypatch, request):
    """A table for each namespace, or pages of one: rows and order are the server's."""
    # Nobody else has these, so that no namespace of another test comes or goes in it.
    kind = {"apiVersion": "v1", "kind": "LimitRange", "spec": {"limits": []}}
    items = [
        {**kind, "metadata": {"name": f"c-{number:02}", "namespace": where}}
        for number in range(45)
        for where in ((namespace, "default") if number < 5 else (namespace,))
    ]
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    names = [f"limitrange/c-{number:02}" for number in range(5)]
    clean = ("delete", *names, "--namespace=default", "--ignore-not-found")
    request.addfinalizer(lambda: kubectl(*clean))
    kubectl("create", "-f", "-", input=listed)
    path = "/api/v1/limitranges"
    wanted = [
        (each["metadata"]["namespace"], each["metadata"]["name"])
        for each in reader.read(path)["items"]
    ]
    for limit in (5000, 7):
        for worth in (1, 20, 10**6):
            monkeypatch.setattr(tables, "ROWS", limit)
            monkeypatch.setattr(tables, "WORTH_A_REQUEST", worth)
            frame = tables.get_table(reader, path)
            found = list(zip(frame["NAMESPACE"], frame["NAME"], strict=True))
            assert found == wanted and len(wanted) == 50, (limit, worth)
    columns = {"NAMESPACE": ".metadata.namespace", "NAME": ".metadata.name"}
    frame = tables.get_custom_columns(reader, path, columns | {"L": ".spec"})
    assert list(zip(frame["NAMESPACE"], frame["NAME"], strict=True)) == wanted


def test_cells_that_are_more_than_values():
    """A custom resource may point a column at a list; it is shown as JSON."""
    frame = tables.frame(table(column("Tags"), rows=[([1, "a"],), ("<none>",)]))
    assert values(frame["TAGS"]) == ['[1, "a"]', None]
