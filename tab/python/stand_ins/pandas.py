"""The part of pandas that lessons and helpers use; pandas itself is not made for a tab.

Pyodide's own pandas comes from another host, which no page of the course asks, and
neither PyPI nor npm has one for this Python. Rows and columns are labelled lists; what
is asked of them beyond that is missing, and says so as an attribute that is not there.
"""

import datetime
import html
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any


class _Missing:
    """A value that is not there, as `pandas.NA`."""

    def __repr__(self) -> str:
        return "<NA>"

    def __bool__(self) -> bool:
        raise TypeError("boolean value of NA is ambiguous")


NA = _Missing()


def isna(value: Any) -> bool:
    """Return whether a value is not there."""
    return value is NA or value is None or value != value


def Timestamp(value: Any) -> datetime.datetime:
    """Return a time, also of its text."""
    if isinstance(value, datetime.datetime):
        return value
    return datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))


def to_datetime(values: "Series", utc: bool = False) -> "Series":
    """Return the times of texts."""
    return values.map(Timestamp)


class _Labelled:
    """Operators, each on single values; another of the same labels joins by them."""

    def _join(self, other: Any, join: Callable) -> Any:
        raise NotImplementedError

    def map(self, function: Callable) -> Any:
        raise NotImplementedError

    def __eq__(self, other: object) -> Any:
        return self._join(other, operator.eq)

    def __ne__(self, other: object) -> Any:
        return self._join(other, operator.ne)

    def __and__(self, other: object) -> Any:
        return self._join(other, lambda a, b: bool(a and b))

    def __or__(self, other: object) -> Any:
        return self._join(other, lambda a, b: bool(a or b))

    def __add__(self, other: object) -> Any:
        return self._join(other, lambda a, b: NA if isna(a) or isna(b) else a + b)

    def __invert__(self) -> Any:
        return self.map(operator.not_)

    def isna(self) -> Any:
        """Say of each value whether it is not there."""
        return self.map(isna)

    def notna(self) -> Any:
        """Say of each value whether it is there."""
        return self.map(lambda value: not isna(value))

    __hash__ = None  # type: ignore[assignment]


class Index(list):
    """Labels of rows or columns, which may have a name in common."""

    def __init__(self, labels: Iterable = (), name: object = None) -> None:
        super().__init__(labels)
        self.name = labels.name if isinstance(labels, Index) else name

    @property
    def str(self) -> "_Text":
        """Return the methods of text, for each label."""
        return _Text(Series(self, self))


class _Text:
    """The methods of text, for each value of a Series."""

    def __init__(self, series: "Series") -> None:
        self._series = series

    def __getattr__(self, name: str) -> Callable[..., "Series"]:
        return lambda *values: self._series.map(
            lambda text: getattr(text, name)(*values)
        )


class Series(_Labelled):
    """Values with labels."""

    def __init__(
        self, data: Iterable = (), index: Iterable | None = None, name: object = None
    ) -> None:
        if isinstance(data, Mapping):
            index, data = data.keys(), data.values()
        self.values = list(data)
        self.index = Index(range(len(self.values)) if index is None else index)
        self.name = name

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator:
        return iter(self.values)

    def __contains__(self, label: object) -> bool:
        return label in self.index

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, Series):
            return self._where(key)
        if isinstance(key, list):
            return self._where(label in key for label in self.index)
        return self.values[self.index.index(key) if key in self.index else key]

    @property
    def loc(self) -> "Series":
        """Return the values by their labels."""
        return self

    @property
    def str(self) -> _Text:
        """Return the methods of text, for each value."""
        return _Text(self)

    def _where(self, kept: Iterable) -> "Series":
        items = [item for item, keep in zip(self.items(), kept, strict=True) if keep]
        labels = [label for label, _ in items]
        return Series(
            [value for _, value in items], Index(labels, self.index.name), self.name
        )

    def _join(self, other: Any, join: Callable) -> "Series":
        others = other if isinstance(other, Series) else [other] * len(self)
        pairs = zip(self.values, others, strict=True)
        return Series([join(*pair) for pair in pairs], self.index, self.name)

    def items(self) -> Iterator[tuple]:
        """Yield labels and values."""
        return iter(zip(self.index, self.values, strict=True))

    def map(self, function: Callable) -> "Series":
        """Return the function's results."""
        return Series(map(function, self.values), self.index, self.name)

    def to_dict(self) -> dict:
        """Return the values by their labels."""
        return dict(self.items())

    def tolist(self) -> list:
        """Return the values."""
        return list(self.values)

    def dropna(self) -> "Series":
        """Return the values that are there."""
        return self._where(self.notna())

    def explode(self) -> "Series":
        """Return each member of a value that is a list as a value of its own."""
        pairs = [
            (label, member)
            for label, value in self.items()
            for member in (value if isinstance(value, list | tuple | set) else [value])
        ]
        labels = Index([label for label, _ in pairs], self.index.name)
        return Series([value for _, value in pairs], labels)

    def unique(self) -> list:
        """Return each value once."""
        return list(dict.fromkeys(self.values))

    def all(self) -> bool:
        """Return whether each value is true."""
        return all(self.values)

    def any(self) -> bool:
        """Return whether a value is true."""
        return any(self.values)

    def __repr__(self) -> str:
        width = max((len(str(label)) for label in self.index), default=0)
        rows = self.items()
        lines = [f"{label!s:<{width}}    {_text_of(value)}" for label, value in rows]
        name = "" if self.name is None else f"Name: {self.name}, "
        if lines and self.index.name is not None:
            lines.insert(0, str(self.index.name))
        return "\n".join([*(lines or ["Series([])"]), f"{name}dtype: {self.dtype}"])

    @property
    def dtype(self) -> str:
        """Return the type of the values."""
        kinds = {type(value) for value in self.values}
        names = {bool: "bool", int: "int64", float: "float64"}
        return names.get(kinds.pop(), "object") if len(kinds) == 1 else "object"


class DataFrame(_Labelled):
    """Rows and columns with labels."""

    def __init__(
        self, data: Any = None, index: Iterable | None = None, columns: Any = None
    ) -> None:
        labels = None if index is None else list(index)
        if data is None:
            cells = {name: [NA] * len(labels or ()) for name in columns or ()}
        elif isinstance(data, dict):
            cells, labels = _columns_of(data, labels)
        else:
            cells = _columns_of_rows(list(data), columns)
        count = len(next(iter(cells.values()), []))
        self._cells = cells
        name = index.name if isinstance(index, Index) else None
        self.index = Index(range(count) if labels is None else labels, name)

    @classmethod
    def from_dict(
        cls, data: dict, orient: str = "columns", columns: Any = None
    ) -> "DataFrame":
        """Return the frame of columns, or of rows (`orient="index"`)."""
        if orient == "columns":
            return cls(data)
        return cls(data.values(), index=data, columns=columns)

    @property
    def columns(self) -> Index:
        """Return the labels of the columns."""
        return Index(self._cells)

    @property
    def empty(self) -> bool:
        """Return whether there is no value."""
        return not self.index or not self._cells

    @property
    def loc(self) -> "_Rows":
        """Return the rows by their labels."""
        return _Rows(self)

    @property
    def style(self) -> "Styler":
        """Return the frame with colours."""
        return Styler(self)

    def __len__(self) -> int:
        return len(self.index)

    def __iter__(self) -> Iterator:
        return iter(self._cells)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, Series):
            return self._pick([at for at, keep in enumerate(key) if keep])
        if isinstance(key, list):
            return self._with({name: self._cells[name] for name in key})
        return Series(self._cells[key], self.index, key)

    def __setitem__(self, key: Any, values: Any) -> None:
        single = isinstance(values, str | int | float) or values is None
        self._cells[key] = [values] * len(self) if single else list(values)

    def _with(self, cells: dict, index: Iterable | None = None) -> "DataFrame":
        frame = DataFrame(index=self.index if index is None else index)
        frame._cells = {name: list(values) for name, values in cells.items()}
        return frame

    def _pick(self, places: list[int]) -> "DataFrame":
        cells = {
            name: [values[at] for at in places] for name, values in self._cells.items()
        }
        return self._with(
            cells, Index([self.index[at] for at in places], self.index.name)
        )

    def _join(self, other: Any, join: Callable) -> "DataFrame":
        cells = {}
        for name, values in self._cells.items():
            others = [other] * len(self)
            if isinstance(other, DataFrame):
                others = other._cells[name]
            pairs = zip(values, others, strict=True)
            cells[name] = [join(*pair) for pair in pairs]
        return self._with(cells)

    def map(self, function: Callable) -> "DataFrame":
        """Return the function's results."""
        cells = {name: map(function, values) for name, values in self._cells.items()}
        return self._with(cells)

    def where(self, kept: "DataFrame", other: Any = NA) -> "DataFrame":
        """Return the values where `kept` is true, elsewhere `other`."""
        others = other if isinstance(other, DataFrame) else self.map(lambda _: other)
        cells = {
            name: [
                value if keep else instead
                for value, keep, instead in zip(
                    values, kept._cells[name], others._cells[name], strict=True
                )
            ]
            for name, values in self._cells.items()
        }
        return self._with(cells)

    def mask(self, gone: "DataFrame", other: Any = NA) -> "DataFrame":
        """Return the values where `gone` is false, elsewhere `other`."""
        return self.where(~gone, other)

    def reindex_like(self, other: "DataFrame") -> "DataFrame":
        """Return the values for the labels of another frame."""
        frame = DataFrame(index=other.index, columns=other.columns)
        for name in {*frame._cells} & {*self._cells}:
            known = self[name].to_dict()
            frame._cells[name] = [known.get(label, NA) for label in frame.index]
        return frame

    def set_index(self, name: Any) -> "DataFrame":
        """Return the frame with the values of a column as labels."""
        cells = {key: values for key, values in self._cells.items() if key != name}
        return self._with(cells, Index(self._cells[name], name))

    def drop(self, columns: Any) -> "DataFrame":
        """Return the frame without columns."""
        gone = [columns] if isinstance(columns, str) else columns
        return self[[name for name in self._cells if name not in gone]]

    def fillna(self, values: dict) -> "DataFrame":
        """Return the frame with values for those that are not there, by columns."""
        cells = dict(self._cells)
        for name, instead in values.items():
            cells[name] = [instead if isna(value) else value for value in cells[name]]
        return self._with(cells)

    def round(self, digits: int) -> "DataFrame":
        """Return the frame with shorter numbers."""
        return self.map(
            lambda value: round(value, digits) if isinstance(value, float) else value
        )

    def astype(self, kind: object) -> "DataFrame":
        """Return the frame: each value has its own type here."""
        return self

    def query(self, condition: str) -> "DataFrame":
        """Return the rows for which a condition holds; `@name` is the caller's."""
        import sys

        caller = sys._getframe(1)
        outside = {**caller.f_globals, **caller.f_locals}
        code = compile(condition.replace("@", "_at_"), "<query>", "eval")
        known = {f"_at_{name}": value for name, value in outside.items()}
        rows = [row.to_dict() for _, row in self.iterrows()]
        kept = [at for at, row in enumerate(rows) if eval(code, known, row)]
        return self._pick(kept)

    def iterrows(self) -> Iterator[tuple]:
        """Yield labels and rows."""
        for at, label in enumerate(self.index):
            row = {name: values[at] for name, values in self._cells.items()}
            yield label, Series(row, name=label)

    def all(self, axis: int | None = 0) -> Any:
        """Say of each column, or of the whole (`axis=None`), whether all is true."""
        columns = {name: all(values) for name, values in self._cells.items()}
        return all(columns.values()) if axis is None else Series(columns)

    def to_dict(self, orient: str = "dict") -> Any:
        """Return the columns by their labels, or the rows (`orient="records"`)."""
        if orient == "records":
            return [row.to_dict() for _, row in self.iterrows()]
        return {name: self[name].to_dict() for name in self._cells}

    def to_string(self) -> str:
        """Return the frame as text."""
        rows = [["", *map(str, self._cells)]]
        if self.index.name is not None:
            rows.append([str(self.index.name), *[""] * len(self._cells)])
        for label, row in self.iterrows():
            rows.append([str(label), *map(_text_of, row)])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = []
        for label, *values in rows:
            cells = zip(values, widths[1:], strict=True)
            line = "  ".join(value.rjust(width) for value, width in cells)
            lines.append(f"{label:<{widths[0]}}  {line}".rstrip())
        return "\n".join(lines)

    __repr__ = to_string

    def _repr_html_(self, style: Callable[[Any], str] | None = None) -> str:
        head = "".join(f"<th>{html.escape(str(name))}</th>" for name in self._cells)
        heads = [f"<tr><th></th>{head}</tr>"]
        if self.index.name is not None:
            name = html.escape(str(self.index.name))
            heads.append(f"<tr><th>{name}</th>{'<th></th>' * len(self._cells)}</tr>")
        lines = [f"<thead>{''.join(heads)}</thead>", "<tbody>"]
        for label, row in self.iterrows():
            cells = "".join(_cell(value, style) for value in row)
            lines.append(f"<tr><th>{html.escape(str(label))}</th>{cells}</tr>")
        table = "\n".join([*lines, "</tbody>"])
        return f'<table border="1" class="dataframe">\n{table}\n</table>'


def _cell(value: Any, style: Callable[[Any], str] | None) -> str:
    css = style(value) if style else ""
    attribute = f' style="{html.escape(css)}"' if css else ""
    return f"<td{attribute}>{html.escape(_text_of(value))}</td>"


def _text_of(value: Any) -> str:
    """Return a value as pandas shows it: a list has no quotes."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_text_of, value))}]"
    return str(value)


def _columns_of(data: dict, labels: list | None) -> tuple[dict, list | None]:
    """Return the cells of columns, and the labels of rows that they have."""
    cells = {}
    for name, values in data.items():
        if isinstance(values, Series):
            values = values.to_dict()
        if isinstance(values, Mapping):
            labels = labels or list(values)
            cells[name] = [values.get(label, NA) for label in labels]
        else:
            cells[name] = list(values)
    return cells, labels


def _columns_of_rows(rows: list, columns: Any) -> dict:
    if rows and isinstance(rows[0], Mapping):
        names = columns or dict.fromkeys(name for row in rows for name in row)
        return {name: [row.get(name, NA) for row in rows] for name in names}
    rows = [list(row) for row in rows]
    names = range(len(rows[0]) if rows else 0) if columns is None else columns
    return {name: [row[at] for row in rows] for at, name in enumerate(names)}


class _Rows:
    """The rows of a frame by their labels."""

    def __init__(self, frame: DataFrame) -> None:
        self._frame = frame

    def __getitem__(self, key: Any) -> Any:
        frame = self._frame
        rows, columns = key if isinstance(key, tuple) else (key, slice(None))
        if isinstance(rows, slice):
            first = 0 if rows.start is None else frame.index.index(rows.start)
            end = None if rows.stop is None else frame.index.index(rows.stop) + 1
            picked: Any = frame._pick([*range(len(frame))][first:end])
        elif isinstance(rows, list):
            picked = frame._pick([frame.index.index(label) for label in rows])
        elif isinstance(rows, Series):
            picked = frame[rows]
        else:
            at = frame.index.index(rows)
            row = {name: values[at] for name, values in frame._cells.items()}
            picked = Series(row, name=rows)
        return picked if isinstance(columns, slice) else picked[columns]

    def __setitem__(self, key: tuple, value: Any) -> None:
        frame, (row, column) = self._frame, key
        if row not in frame.index:
            frame.index.append(row)
            for values in frame._cells.values():
                values.append(NA)
        values = frame._cells.setdefault(column, [NA] * len(frame))
        values[frame.index.index(row)] = value


class Styler:
    """A frame whose cells have colours."""

    def __init__(self, data: DataFrame) -> None:
        self.data = data
        self._style: Callable[[Any], str] | None = None

    def map(self, function: Callable[[Any], str]) -> "Styler":
        """Give each cell the style that a function returns, as CSS."""
        self._style = function
        return self

    def __repr__(self) -> str:
        return repr(self.data)

    def _repr_html_(self) -> str:
        return self.data._repr_html_(self._style)
