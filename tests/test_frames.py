"""Columns grow page by page, keep their type, and know what is missing."""

import pandas as pd
import pytest

from helpers import frames


def grown(kind, *pages):
    column = frames.Column(kind)
    for page in pages:
        column.add(page)
    return pd.Series(column.finish())


def values(series):
    return [None if value is pd.NA or value is pd.NaT else value for value in series]


@pytest.mark.parametrize(
    ("kind", "pages", "dtype", "expected"),
    [
        ("string", (["a", None], ["", "b"]), "string", ["a", None, "", "b"]),
        ("string", ([80, "http"],), "string", ["80", "http"]),
        ("string", ([{"a": 1}, [2]],), "string", ['{"a": 1}', "[2]"]),
        ("integer", ([1, None], [2**40]), "Int64", [1, None, 2**40]),
        ("number", ([1.5, 2], [None]), "Float64", [1.5, 2.0, None]),
        ("quantity", ([0.1], [None]), "Float64", [0.1, None]),
        ("boolean", ([True], [None, False]), "boolean", [True, None, False]),
        ("object", ([{"a": "b"}], [None]), "object", [{"a": "b"}, None]),
        ("any", (["a"], [None]), "string", ["a", None]),
        ("any", ([1], [None, 2]), "Int64", [1, None, 2]),
        ("any", ([1], [2.5]), "Float64", [1.0, 2.5]),
        ("any", ([True], [False]), "boolean", [True, False]),
        ("any", ([True], [1]), "object", [True, 1]),
        ("any", ([1], ["a"], [{}]), "object", [1, "a", {}]),
        ("any", ([None], []), "string", [None]),
        ("string", (), "string", []),
        ("object", (), "object", []),
    ],
)
def test_kinds(kind, pages, dtype, expected):
    """A column has one type, which the first page does not decide alone."""
    column = grown(kind, *pages)
    assert column.dtype == dtype
    assert values(column) == expected


@pytest.mark.parametrize(
    ("kind", "given", "dtype"),
    [
        ("time", ["2026-11-25T09:00:00Z", None], "datetime64[s, UTC]"),
        ("time", [1795597200, None], "datetime64[s, UTC]"),
        ("microtime", ["2026-11-25T09:00:00.000000Z", None], "datetime64[us, UTC]"),
        ("microtime", [1795597200_000000, None], "datetime64[us, UTC]"),
        ("microtime", ["2026-11-25T10:00:00+01:00", None], "datetime64[us, UTC]"),
    ],
)
def test_times(kind, given, dtype):
    """Text of JSON and numbers of protobuf are the same moment, in UTC."""
    column = grown(kind, given)
    assert column.dtype == dtype
    assert values(column) == [pd.Timestamp("2026-11-25T09:00:00Z"), None]


def test_assemble():
    """Two columns of one name are two."""
    frame = frames.assemble(["A", "A"], [[1], [2]])
    assert list(frame.columns) == ["A", "A"]
    assert frame.to_numpy().tolist() == [[1, 2]]
