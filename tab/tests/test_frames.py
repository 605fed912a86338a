"""The frame of the tab, and that of pandas, asked alike."""

import datetime
import importlib.util

import pandas
import pytest

from tests.notebooks import ROOT

STAND_INS = ROOT / "tab" / "python" / "stand_ins"


def load(name: str):
    """Return a stand-in, beside the genuine module."""
    spec = importlib.util.spec_from_file_location(
        f"tab_{name}", STAND_INS / f"{name}.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ours = load("pandas")


def frames(pd) -> dict:
    """Return what the expressions use."""
    missing = pd.NA
    return {
        "pd": pd,
        "can": pd.DataFrame(
            [["yes", "no"], ["no", "no"]],
            index=["pods", "secrets"],
            columns=["get", "list"],
        ),
        "before": pd.DataFrame([["no", "no"]], index=["pods"], columns=["get", "list"]),
        "fields": pd.DataFrame(
            [
                {"FIELD": ".spec", "TYPE": "object", "ENUM": missing},
                {"FIELD": ".spec.level", "TYPE": "string", "ENUM": ["easy", "hard"]},
                {"FIELD": ".status", "TYPE": "object", "ENUM": missing},
            ]
        ).set_index("FIELD"),
        "events": pd.DataFrame(
            [("a", 200, 1.25), ("b", 403, 2.04)], columns=["NAME", "CODE", "MS"]
        ),
        "verbs": pd.Series({"pods": ["get", "list"], "bindings": ["create"]}),
    }


def plain(value):
    """Return rows and columns as dicts, and what is not there as None."""
    if (
        hasattr(value, "data")
        and hasattr(value, "map")
        and not hasattr(value, "values")
    ):
        value = value.data
    if hasattr(value, "columns"):
        return {
            str(label): {str(name): plain(item) for name, item in row.to_dict().items()}
            for label, row in value.iterrows()
        }
    if hasattr(value, "to_dict"):
        return {str(label): plain(item) for label, item in value.items()}
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        return plain(value.tolist())
    if hasattr(value, "__iter__") and not isinstance(value, str | dict):
        return [plain(item) for item in value]
    if value is None or value is pandas.NA or value is ours.NA or value != value:
        return None
    return value


@pytest.mark.parametrize(
    "expression",
    [
        "can",
        "can.columns",
        "can.index",
        "can.loc['pods', 'get']",
        "can.loc['pods']",
        "can.loc[['secrets']]",
        "can == 'no'",
        "(can == 'no') & (can == 'yes')",
        "can.where(can == 'yes', '-')",
        "can.mask((can == 'no') | (can == 'maybe'), 'missing')",
        "before.reindex_like(can)",
        "before.reindex_like(can).isna()",
        "before.reindex_like(can) + ' → ' + can",
        "can.where((before.reindex_like(can) == can) | before.reindex_like(can).isna(),"
        " before.reindex_like(can) + ' → ' + can)",
        "(can == 'no').all()",
        "bool((can == 'no').all(axis=None)), bool((can != 'x').all(axis=None))",
        "can.drop(columns='get')",
        "len(can), list(can), can.empty",
        "pd.DataFrame({'a': [1, 2]}, index=['x', 'y'])",
        "pd.DataFrame({'a': {'x': 1.26, 'y': 2.0}, 'b': {'x': 3, 'y': 4}}).round(1)",
        "pd.DataFrame({'a': pd.Series({'x': 1, 'y': 2})})",
        "pd.DataFrame([{'a': 1}, {'a': 2, 'b': 3}])",
        "pd.DataFrame(index=['x'], columns=['a'])",
        "pd.DataFrame.from_dict({'r': ['1', '2']}, orient='index', columns=['a', 'b'])",
        "pd.DataFrame(map(list, ['ab', 'cd']), columns=['x', 'y'])",
        "fields[fields.index.str.startswith('.spec')][['TYPE', 'ENUM']]",
        "fields['ENUM'].dropna()",
        "fields.index.name, fields.loc[['.spec']].index.name, can.index.name",
        "fields['ENUM'].dropna().index.name, fields['TYPE'].map(len).index.name",
        "str(fields['TYPE']).splitlines()[:2]",
        "[line.strip() for line in fields[['TYPE']].to_string().splitlines()[:2]]",
        "fields._repr_html_().count('FIELD'), can._repr_html_().count('<th></th>')",
        "fields.loc['.spec.level', 'ENUM']",
        "fields.loc['.spec.level':, ['TYPE']]",
        "fields[~fields.index.str.startswith('.spec')]",
        "fields['TYPE'].map(len)",
        "fields.loc[['.spec'], ['TYPE']]",
        "events.query('NAME == @wanted and CODE == 403')",
        "events.fillna({'MS': 0}).astype(object)",
        "events['CODE'].tolist()",
        "events[events['CODE'] == 200]",
        "sorted(verbs.loc[['pods']].explode().unique())",
        "[name for name, can in verbs.items() if 'create' in can]",
        "'pods' in verbs, 'nodes' in verbs",
        "pd.to_datetime(pd.Series(['2026-12-01T10:00:00.5Z']), utc=True)",
        "(pd.Timestamp('2026-12-01T10:00:01Z')"
        " - pd.Timestamp('2026-12-01T10:00:00Z')).total_seconds()",
    ],
)
def test_both_answer_alike(expression):
    wanted = "b"
    answers = [
        plain(eval(expression, {**frames(pd), "wanted": wanted}))
        for pd in (pandas, ours)
    ]
    assert answers[1] == answers[0]


@pytest.mark.parametrize("pd", [pandas, ours])
def test_a_field_is_set(pd):
    table = pd.DataFrame(index=["GET"], columns=["default"])
    table.loc["GET", "default"] = "200"
    table.loc["POST", "read-only"] = "403"
    assert list(table.loc["GET"])[:1] == ["200"]
    assert table.loc["POST", "read-only"] == "403"
    table["BY"] = ["a", "b"]
    assert table.loc["POST", "BY"] == "b"


def test_it_is_shown_as_text_and_as_a_table():
    frame = ours.DataFrame([["<b>", 1]], index=["x"], columns=["name", "n"])
    assert frame.to_string() == "   name  n\nx   <b>  1"
    assert "<td>&lt;b&gt;</td><td>1</td>" in frame._repr_html_()
    styled = frame.style.map(lambda value: "color: red" if value == 1 else "")
    assert '<td style="color: red">1</td>' in styled._repr_html_()


def test_na_is_neither_true_nor_false():
    with pytest.raises(TypeError):
        bool(ours.NA)


@pytest.mark.parametrize("pd", [pandas, ours])
def test_a_list_and_a_series_are_shown_as_pandas_shows_them(pd):
    frame = pd.DataFrame({"verbs": [["get", "list"], []], "count": [1, 2]})
    assert "<td>[get, list]</td>" in frame._repr_html_()
    for name in ("verbs", "count"):
        lines = [line.split() for line in repr(frame[name]).splitlines()]
        assert lines[-1][0] == "Name:" and lines[-1][1] == f"{name},"
    assert "[get, list]" in repr(frame["verbs"])
    assert repr(frame["count"]).endswith("dtype: int64")
