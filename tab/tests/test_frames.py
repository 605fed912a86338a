"""The frame of the tab, and that of pandas, asked alike."""

import datetime
import importlib.util
import sys

import pandas
import pytest

from tests.notebooks import ROOT

STAND_INS = ROOT / "tab" / "python" / "stand_ins"


def load(name: str):
    """Return a stand-in, beside the genuine module."""
    spec = importlib.util.spec_from_file_location(
        f"tab_{name}", STAND_INS / name / "__init__.py"
    )
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
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
    assert frame.to_string() == "  name  n\nx  <b>  1"
    assert "<td>&lt;b&gt;</td>\n      <td>1</td>" in frame._repr_html_()
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


#: what people type first at a frame
FIRST = [
    "pods.head(2)",
    "pods.tail(2)",
    "pods.head(-1)",
    "pods.tail(0)",
    "pods.shape, pods.size, len(pods), pods.empty",
    "pods.columns.tolist()",
    "pods.dtypes",
    "[str(pods[name].dtype) for name in pods]",
    "pods.sort_values('AGE')",
    "pods.sort_values(['PHASE', 'AGE'], ascending=[False, True])",
    "pods.sort_values('LOAD', ascending=False)",
    "pods.sort_index(ascending=False)",
    "pods[pods['AGE'] > 3]",
    "pods[(pods.AGE >= 3) & ~(pods.PHASE == 'Failed')]",
    "pods[pods.PHASE != 'Running']",
    "pods[1:3]",
    "pods[[True, False, True, False]]",
    "pods['PHASE'].value_counts()",
    "pods['PHASE'].value_counts(normalize=True)",
    "pods.groupby('PHASE').count()",
    "pods.groupby('PHASE')['AGE'].sum()",
    "pods.groupby('PHASE')[['AGE', 'LOAD']].mean()",
    "pods.groupby('PHASE').size()",
    "pods.groupby('PHASE').AGE.max()",
    "pods.groupby('PHASE').agg('min')",
    "[(name, len(rows)) for name, rows in pods.groupby('PHASE')]",
    "pods.iloc[0]",
    "pods.iloc[-1]['NAME']",
    "pods.iloc[1:3, 0]",
    "pods.iloc[[0, 2]]",
    "pods.iloc[0, 1]",
    "pods.loc[pods.AGE > 3, 'NAME']",
    "pods.loc[1:2, ['NAME', 'AGE']]",
    "pods.loc[2]",
    "pods.at[1, 'NAME']",
    "pods.describe()",
    "pods['NAME'].describe()",
    "pods['AGE'].describe()",
    "pods.merge(nodes, on='NODE')",
    "pods.merge(nodes, on='NODE', how='left')",
    "pods.merge(nodes, how='outer', on='NODE')",
    "pd.merge(nodes, pods, how='right', left_on='NODE', right_on='NODE')",
    "pods.rename(columns={'AGE': 'DAYS'})",
    "pods.rename(columns=str.lower, index={0: 'first'})",
    "pods.drop(columns=['AGE', 'LOAD'])",
    "pods.drop([0])",
    "pods.drop(2)",
    "pods.drop('AGE', axis=1)",
    "pods.drop(index=[1, 2])",
    "pods.astype({'AGE': float})",
    "pods.astype(str)",
    "pods['AGE'].astype('str')",
    "pods['AGE'].astype(bool)",
    "pods.fillna(0)",
    "pods['LOAD'].fillna(-1)",
    "pods[pods.NAME.isin(['a', 'c'])]",
    "pods.isin(['a', 3])",
    "pods['AGE'].apply(lambda age: age * 2)",
    "pods.apply(lambda row: f'{row.NAME}@{row.NODE}', axis=1)",
    "pods[['AGE', 'LOAD']].apply(max)",
    "pods[['AGE']].T",
    "pods.set_index('NAME').T.loc['AGE']",
    "pods.copy()",
    "pods['PHASE'].unique().tolist()",
    "pods['PHASE'].nunique(), pods['LOAD'].nunique()",
    "pods.nunique()",
    "pods.count()",
    "pods['AGE'].sum(), pods['AGE'].mean(), pods['AGE'].max(), pods['NAME'].min()",
    "pods['LOAD'].sum(), pods['LOAD'].mean(), pods['LOAD'].median()",
    "pods[['AGE', 'LOAD']].sum()",
    "pods.mean(numeric_only=True)",
    "pods.max()",
    "pods['AGE'] / 2 + pods['LOAD'] - 1",
    "10 - pods['AGE']",
    "pods.reset_index()",
    "pods.set_index('NAME').reset_index()",
    "pods.set_index('NAME').loc[['c', 'a'], 'AGE']",
    "pods.dropna()",
    "pods.dropna(subset=['NAME'])",
    "pods.drop_duplicates('PHASE')",
    "pods.assign(OLD=pods.AGE > 3)",
    "pods.nlargest(2, 'AGE')",
    "pods['AGE'].nsmallest(1)",
    "pods.set_index('NAME')['AGE'].idxmax()",
    "pods.NAME.str.upper()",
    "pods[pods.NAME.str.contains('A', case=False)]",
    "pods.NAME.str.len()",
    "pods.PHASE.str.replace('Run', 'Walk')",
    "pods.PHASE.str[:3]",
    "pd.concat([pods, pods], ignore_index=True)",
    "pd.isna(pods['LOAD'])",
    "pods[['NAME', 'AGE']].to_dict('list')",
    "pods['PHASE'].map({'Running': 1})",
    "(pods.columns == 'AGE').tolist()",
]


def pod_frames(pd) -> dict:
    """Return a frame of pods, with one gap, and one of nodes."""
    pods = {
        "NAME": ["b", "a", "d", "c"],
        "AGE": [3, 1, 8, 5],
        "LOAD": [0.5, None, 12.25, 3.0],
        "PHASE": ["Running", "Running", "Failed", "Pending"],
        "NODE": ["one", "two", "one", "gone"],
    }
    nodes = {"NODE": ["one", "two", "three"], "ZONE": ["x", "y", "z"]}
    return {"pd": pd, "pods": pd.DataFrame(pods), "nodes": pd.DataFrame(nodes)}


@pytest.mark.parametrize("expression", FIRST)
def test_what_people_type_first_is_answered_as_by_pandas(expression):
    genuine, own = (eval(expression, pod_frames(pd)) for pd in (pandas, ours))
    assert plain(own) == plain(genuine)


@pytest.mark.parametrize(
    "expression",
    [
        "pods",
        "pods['LOAD']",
        "pods.describe()",
        "pods.dtypes",
        "pods.iloc[0]",
        "pods.groupby('PHASE')[['AGE', 'LOAD']].sum()",
        "pods.groupby('PHASE').size()",
        "pods['PHASE'].value_counts()",
        "pods.sort_values('AGE')[['NAME', 'AGE']]",
        "pods[pods.AGE > 100]",
        "pods.T",
        "pods.to_csv()",
        "pods.to_csv(index=False)",
        "pods.to_html()",
        "pods.set_index('NAME').to_html()",
        "pods.to_string(index=False)",
    ],
)
def test_it_is_written_as_by_pandas(expression):
    genuine, own = (str(eval(expression, pod_frames(pd))) for pd in (pandas, ours))
    assert [line.rstrip() for line in own.splitlines()] == [
        line.rstrip() for line in genuine.splitlines()
    ]


@pytest.mark.parametrize(
    ("expression", "error"),
    [
        ("bool(pods)", ValueError),
        ("bool(pods.AGE == 3)", ValueError),
        ("pods.AGE == 3 and 1", ValueError),
        ("pods['absent']", KeyError),
        ("pods[['NAME', 'absent']]", KeyError),
        ("pods.loc[7]", KeyError),
        ("pods.AGE['x']", KeyError),
        ("pods.drop('AGE')", KeyError),
        ("pods.drop(columns='absent')", KeyError),
        ("pods.sort_values('absent')", KeyError),
        ("pods.groupby('absent')", KeyError),
        ("pods.iloc[9]", IndexError),
        ("pods.astype(int)", ValueError),
        ("pods['NAME'].mean()", TypeError),
        ("pods.mean()", TypeError),
        ("pods.NAME.isin('a')", TypeError),
        ("pods.assign(X=[1])", ValueError),
        ("pd.DataFrame({'a': [1], 'b': [1, 2]})", ValueError),
        ("pd.DataFrame({'a': 1})", ValueError),
        ("pods.absent", AttributeError),
    ],
)
def test_it_refuses_what_pandas_refuses(expression, error):
    for pd in (pandas, ours):
        with pytest.raises(error):
            eval(expression, pod_frames(pd))


@pytest.mark.parametrize(
    "expression",
    [
        "pd.read_csv('x')",
        "pd.json_normalize([])",
        "pods.plot()",
        "pods.pivot_table(index='PHASE')",
        "pods.drop([0], inplace=True)",
        "pods.sort_values('AGE', key=abs)",
        "pods.groupby(['PHASE', 'NODE'])",
        "pods.groupby('PHASE').agg({'AGE': 'sum'})",
        "pods.astype('category')",
        "pods + pods.AGE",
        "pods.AGE + pods.AGE[1:]",
        "pods.set_index('PHASE').loc['Running']",
        "pods.AGE.values * 2",
        "pods.AGE.rolling(2)",
        "pods.NAME.str.extract('x')",
        "pods.columns.get_loc('AGE')",
        "setattr(pods, 'new', 1)",
        "pods.loc[0:1, 'NAME':'AGE']",
    ],
)
def test_what_is_not_here_says_so_in_one_sentence(expression):
    with pytest.raises(NotImplementedError) as raised:
        eval(expression, pod_frames(ours))
    assert str(raised.value).endswith(
        "pandas here is a small part of it; in JupyterLab it is whole."
    )
    assert raised.value._render_traceback_() == [str(raised.value)]


@pytest.mark.parametrize("pd", [pandas, ours])
def test_columns_and_rows_are_set(pd):
    pods = pod_frames(pd)["pods"]
    pods["NEW"] = pd.Series({3: "x", 0: "y"})
    pods.loc[pods.AGE > 4, "NAME"] = "old"
    pods.loc[9] = ["e", 1, 0.0, "Running", "two", "z"]
    pods.columns = [name.lower() for name in pods.columns]
    assert pods["new"].fillna("-").tolist() == ["y", "-", "-", "x", "z"]
    assert pods["name"].tolist() == ["b", "a", "old", "old", "e"]
    assert pods.loc[9, "phase"] == "Running"


def test_hasattr_and_ipython_find_nothing_that_is_not_there():
    frame = pod_frames(ours)["pods"]
    assert not hasattr(frame, "plot") and not hasattr(frame, "_ipython_display_")
    assert not hasattr(ours, "read_csv")
