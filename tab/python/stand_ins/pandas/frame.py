"""Rows and columns with labels."""

import csv
import io
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from .groups import Groups
from .labelled import Labelled, flags, is_mask
from .limits import NotHere, refuse, whole
from .rows import Places, Rows, row_at
from .series import Index, Series
from .styler import Styler, table
from .values import (
    NAN,
    REDUCTIONS,
    Array,
    Objects,
    convert,
    is_missing,
    is_number,
    key_of,
    ordered,
    present,
    texts,
    typed,
)


@whole
class DataFrame(Labelled):
    """Rows and columns with labels."""

    _cells: dict[Any, Array]
    index: Index

    def __init__(
        self, data: Any = None, index: Iterable | None = None, columns: Any = None
    ) -> None:
        name = index.name if isinstance(index, Index) else None
        labels = None if index is None else list(index)
        if isinstance(data, DataFrame):
            data, labels = dict(data.items()), labels or list(data.index)
        if data is None:
            cells = {key: [NAN] * len(labels or ()) for key in columns or ()}
        elif isinstance(data, dict):
            cells, labels = _columns_of(data, labels)
            if columns is not None:
                gaps = [NAN] * len(labels or next(iter(cells.values()), ()))
                cells = {key: cells.get(key, gaps) for key in columns}
        elif isinstance(data, str):
            raise ValueError("DataFrame constructor not properly called!")
        else:
            cells = _columns_of_rows(list(data), columns)
        sizes = {len(values) for values in cells.values()}
        if len(sizes) > 1:
            raise ValueError("All arrays must be of the same length")
        count = next(iter(sizes), len(labels or ()))
        if labels is not None and len(labels) != count:
            raise ValueError(
                f"Length of values ({count}) does not match length of index "
                f"({len(labels)})"
            )
        self._cells = {key: typed(values) for key, values in cells.items()}
        self.index = Index(range(count) if labels is None else labels, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "index":
            value = value if isinstance(value, Index) else Index(value)
            if "index" in self.__dict__ and len(value) != len(self):
                raise ValueError("Length mismatch of the index")
        elif name == "columns":
            names = list(value)
            if len(names) != len(self._cells):
                raise ValueError("Length mismatch of the columns")
            name, value = "_cells", dict(zip(names, self._cells.values(), strict=True))
        elif name != "_cells":
            if name not in self._cells:
                raise NotHere(f"the attribute {name!r} of a DataFrame")
            self[name] = value
            return
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in self._cells:
            return self[name]
        raise refuse("DataFrame", name)

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
    def values(self) -> Array:
        """Return the values, row by row."""
        return Array(map(list, zip(*self._cells.values(), strict=True)))

    @property
    def dtypes(self) -> Series:
        """Return the types of the columns."""
        return Series(Objects(column.dtype for _, column in self.items()), self)

    @property
    def empty(self) -> bool:
        """Return whether there is no value."""
        return not len(self.index) or not self._cells

    @property
    def shape(self) -> tuple[int, int]:
        """Return how many rows and columns there are."""
        return len(self.index), len(self._cells)

    @property
    def size(self) -> int:
        """Return how many values there are."""
        return len(self.index) * len(self._cells)

    @property
    def T(self) -> "DataFrame":
        """Return the rows as columns."""
        self._refuse_twins()
        rows = dict(zip(self.index, self.values, strict=True))
        return DataFrame(rows, index=self.columns)

    @property
    def loc(self) -> Rows:
        """Return the rows by their labels."""
        return Rows(self)

    at = loc

    @property
    def iloc(self) -> Places:
        """Return the rows by their places."""
        return Places(self)

    iat = iloc

    @property
    def style(self) -> Styler:
        """Return the frame with colours."""
        return Styler(self)

    def __len__(self) -> int:
        return len(self.index)

    def __iter__(self) -> Iterator:
        return iter(self._cells)

    def __contains__(self, name: object) -> bool:
        return name in self._cells

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, DataFrame):
            return self.where(key)
        if isinstance(key, Series):
            if list(key.index) != list(self.index):
                raise NotHere("a choice by a Series with other labels")
            return self._where(key)
        if is_mask(key):
            return self._where(key)
        if isinstance(key, slice):
            return self._pick(range(len(self))[key])
        if isinstance(key, list | Index):
            absent = [name for name in key if name not in self._cells]
            if absent:
                raise KeyError(f"{absent} not in index")
            return self._with({name: self._cells[name] for name in key})
        if key not in self._cells:
            raise KeyError(key)
        return Series(self._cells[key], self.index, key)

    def __setitem__(self, key: Any, values: Any) -> None:
        if isinstance(key, list | Series | DataFrame | slice):
            raise NotHere("values for several columns at once")
        self._cells[key] = self._column(values)

    def __delitem__(self, key: Any) -> None:
        del self._cells[key]

    def _column(self, values: Any) -> Array:
        """Return a column of a value, of values, or of those of the same labels."""
        if isinstance(values, str | int | float) or is_missing(values):
            return typed([values] * len(self))
        if isinstance(values, Series) and list(values.index) != list(self.index):
            if len({*values.index}) < len(values):
                raise NotHere("a column with labels that are there twice")
            known = values.to_dict()
            return typed([known.get(label, NAN) for label in self.index])
        if isinstance(values, DataFrame | Mapping):
            raise NotHere("a column of a frame or a dict")
        column = typed(values.values if isinstance(values, Series) else values)
        if len(column) != len(self):
            raise ValueError(
                f"Length of values ({len(column)}) does not match length of index "
                f"({len(self)})"
            )
        return column

    def _with(self, cells: dict, index: Iterable | None = None) -> "DataFrame":
        frame = DataFrame(index=self.index if index is None else index)
        frame._cells = {name: typed(values) for name, values in cells.items()}
        return frame

    def _pick(self, places: Iterable[int]) -> "DataFrame":
        places = list(places)
        cells = {
            name: type(values)(values[at] for at in places)
            for name, values in self._cells.items()
        }
        return self._with(
            cells, Index([self.index[at] for at in places], self.index.name)
        )

    def _where(self, kept: Iterable) -> "DataFrame":
        kept = flags(kept, len(self))
        return self._pick([at for at, keep in enumerate(kept) if keep])

    def _refuse_twins(self) -> None:
        if len({*self.index}) < len(self):
            raise NotHere("this of a frame with labels that are there twice")

    def _join(self, other: Any, join: Callable) -> "DataFrame":
        if isinstance(other, Series | list | tuple):
            raise NotHere("an operation on a frame and a Series or a list")
        cells = {}
        for name, values in self._cells.items():
            others: Any = [other] * len(self)
            if isinstance(other, DataFrame):
                alike = list(other.index) == list(self.index)
                if not alike or list(other) != list(self):
                    raise NotHere("an operation on two frames with different labels")
                others = other._cells[name]
            pairs = zip(values, others, strict=True)
            cells[name] = [join(*pair) for pair in pairs]
        return self._with(cells)

    def items(self) -> Iterator[tuple]:
        """Yield names and columns."""
        return ((name, self[name]) for name in self._cells)

    def map(self, func: Callable) -> "DataFrame":
        """Return the function's results."""
        cells = {name: [*map(func, values)] for name, values in self._cells.items()}
        return self._with(cells)

    def apply(self, func: Callable, axis: Any = 0) -> Any:
        """Return the function's results for each column, or each row (`axis=1`)."""
        if axis in (1, "columns"):
            self._refuse_twins()
            results = {label: func(row) for label, row in self.iterrows()}
            if any(isinstance(result, Series) for result in results.values()):
                rows = [dict(result.items()) for result in results.values()]
                return DataFrame(rows, index=self.index)
            return Series(results.values(), self.index)
        results = {name: func(column) for name, column in self.items()}
        if any(isinstance(result, Series) for result in results.values()):
            return DataFrame(results)
        return Series(results)

    def assign(self, **columns: Any) -> "DataFrame":
        """Return the frame with other columns, of values or of functions of it."""
        frame = self.copy()
        for name, values in columns.items():
            frame[name] = values(frame) if callable(values) else values
        return frame

    def copy(self) -> "DataFrame":
        """Return one of its own."""
        return self._with(self._cells, Index(self.index))

    def head(self, n: int = 5) -> "DataFrame":
        """Return the first rows."""
        return self._pick(range(len(self))[:n])

    def tail(self, n: int = 5) -> "DataFrame":
        """Return the last rows."""
        return self._pick(range(len(self))[-n:] if n else ())

    def where(self, kept: "DataFrame", other: Any = NAN) -> "DataFrame":
        """Return the values where `kept` is true, elsewhere `other`."""
        if not isinstance(kept, DataFrame):
            raise NotHere("`DataFrame.where` of anything but a frame")
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

    def mask(self, gone: "DataFrame", other: Any = NAN) -> "DataFrame":
        """Return the values where `gone` is false, elsewhere `other`."""
        return self.where(~gone, other)

    def isin(self, values: Iterable) -> "DataFrame":
        """Say of each value whether it is one of these."""
        if isinstance(values, Mapping | Labelled):
            raise NotHere("`DataFrame.isin` of anything but a list")
        known = list(values)
        return self.map(lambda value: value in known)

    def reindex_like(self, other: "DataFrame") -> "DataFrame":
        """Return the values for the labels of another frame."""
        self._refuse_twins()
        frame = DataFrame(index=other.index, columns=other.columns)
        for name in {*frame._cells} & {*self._cells}:
            known = self[name].to_dict()
            frame[name] = [known.get(label, NAN) for label in frame.index]
        return frame

    def set_index(self, keys: Any) -> "DataFrame":
        """Return the frame with the values of a column as labels."""
        if isinstance(keys, list) and len(keys) == 1:
            keys = keys[0]
        if not isinstance(keys, str | int):
            raise NotHere("an index of several columns")
        labels = Index(self[keys], keys)
        cells = {name: values for name, values in self._cells.items() if name != keys}
        return self._with(cells, labels)

    def reset_index(self, drop: bool = False) -> "DataFrame":
        """Return the frame with numbers as labels, and the old labels as a column."""
        name = "index" if self.index.name is None else self.index.name
        labels = {} if drop else {name: Array(self.index)}
        return self._with({**labels, **self._cells}, range(len(self)))

    def rename(self, columns: Any = None, index: Any = None) -> "DataFrame":
        """Return the frame with other names, by a dict or a function."""
        cells = {_renamed(name, columns): self._cells[name] for name in self._cells}
        labels = [_renamed(label, index) for label in self.index]
        return self._with(cells, Index(labels, self.index.name))

    def drop(
        self, labels: Any = None, axis: Any = 0, index: Any = None, columns: Any = None
    ) -> "DataFrame":
        """Return the frame without rows or columns; raise KeyError without them."""
        if labels is not None:
            if axis in (1, "columns"):
                columns = labels
            else:
                index = labels
        gone_rows, gone_columns = _listed(index), _listed(columns)
        for gone, known in ((gone_rows, self.index), (gone_columns, self._cells)):
            if absent := [label for label in gone if label not in known]:
                raise KeyError(f"{absent} not found in axis")
        frame = self[[name for name in self._cells if name not in gone_columns]]
        return frame._where(label not in gone_rows for label in self.index)

    def dropna(self, subset: Any = None) -> "DataFrame":
        """Return the rows in which each value is there."""
        names = self.columns if subset is None else _listed(subset)
        columns = [self[name].notna() for name in names]
        return self._where(
            all(column.values[at] for column in columns) for at in range(len(self))
        )

    def drop_duplicates(self, subset: Any = None) -> "DataFrame":
        """Return the first of the rows that are alike."""
        names = self.columns if subset is None else _listed(subset)
        seen, places = set(), []
        for at in range(len(self)):
            key = tuple(key_of(self._cells[name][at]) for name in names)
            if key not in seen:
                places.append(at)
            seen.add(key)
        return self._pick(places)

    def fillna(self, value: Any) -> "DataFrame":
        """Return the frame with values for those that are not there."""
        values = value if isinstance(value, dict) else dict.fromkeys(self, value)
        cells = dict(self._cells)
        for name in {*values} & {*cells}:
            cells[name] = self[name].fillna(values[name]).values
        return self._with(cells)

    def round(self, decimals: int = 0) -> "DataFrame":
        """Return the frame with shorter numbers."""
        return self.map(
            lambda value: round(value, decimals) if isinstance(value, float) else value
        )

    def astype(self, dtype: Any) -> "DataFrame":
        """Return the frame with values of other types, by columns or for all."""
        kinds = dtype if isinstance(dtype, dict) else dict.fromkeys(self, dtype)
        cells = dict(self._cells)
        for name, kind in kinds.items():
            if name not in cells:
                raise KeyError(f"{name!r} is no column")
            cells[name] = convert(cells[name], kind)
        return self._with(cells)

    def query(self, expr: str) -> "DataFrame":
        """Return the rows for which a condition holds; `@name` is the caller's."""
        # The call goes through the check of the parameters.
        caller = sys._getframe(2)
        outside = {**caller.f_globals, **caller.f_locals}
        if "`" in expr:
            raise NotHere("a name in backticks")
        code = compile(expr.replace("@", "_at_"), "<query>", "eval")
        known = {f"_at_{name}": value for name, value in outside.items()}
        columns = {"index": self.index, **self._cells}
        kept = []
        for at in range(len(self)):
            row = {name: values[at] for name, values in columns.items()}
            kept.append(bool(eval(code, known, row)))
        return self._where(kept)

    def iterrows(self) -> Iterator[tuple]:
        """Yield labels and rows."""
        for at, label in enumerate(self.index):
            yield label, row_at(self, at)

    def sort_values(
        self, by: Any, ascending: Any = True, ignore_index: bool = False
    ) -> "DataFrame":
        """Return the rows in the order of columns; gaps come last."""
        names = _listed(by)
        ways = ascending if isinstance(ascending, list) else [ascending] * len(names)
        places = [*range(len(self))]
        for name, way in reversed([*zip(names, ways, strict=True)]):
            places = ordered(places, self[name].values, way)
        frame = self._pick(places)
        return frame.reset_index(drop=True) if ignore_index else frame

    def sort_index(self, ascending: bool = True) -> "DataFrame":
        """Return the rows in the order of their labels."""
        return self._pick(ordered(range(len(self)), list(self.index), ascending))

    def nlargest(self, n: int, columns: Any) -> "DataFrame":
        """Return the rows with the greatest values."""
        return self.sort_values(columns, ascending=False).head(n)

    def nsmallest(self, n: int, columns: Any) -> "DataFrame":
        """Return the rows with the least values."""
        return self.sort_values(columns).head(n)

    def groupby(self, by: Any) -> Groups:
        """Return the rows by the values of a column."""
        return Groups(self, by)

    def merge(
        self,
        right: "DataFrame",
        how: str = "inner",
        on: Any = None,
        left_on: Any = None,
        right_on: Any = None,
        suffixes: Any = ("_x", "_y"),
    ) -> "DataFrame":
        """Return the rows of both frames that have the same values."""
        return merge(self, right, how, on, left_on, right_on, suffixes)

    def describe(self) -> "DataFrame":
        """Return the numbers that sum up the columns of numbers, or else all."""
        numeric = [
            name
            for name, values in self._cells.items()
            if present(values) and all(map(is_number, present(values)))
        ]
        return DataFrame({name: self[name].describe() for name in numeric or self})

    def all(self, axis: int | None = 0) -> Any:
        """Say of each column, or of the whole (`axis=None`), whether all is true."""
        return self._every(all, axis)

    def any(self, axis: int | None = 0) -> Any:
        """Say of each column, or of the whole (`axis=None`), whether one is true."""
        return self._every(any, axis)

    def _every(self, test: Callable, axis: int | None) -> Any:
        if axis == 1:
            return Series([test(row) for row in self.values], self.index)
        columns = {name: test(values) for name, values in self._cells.items()}
        return test(columns.values()) if axis is None else Series(columns)

    def _reduce(self, name: str, axis: int, numeric_only: bool) -> Series:
        if axis == 1:
            rows = self._numeric().values if numeric_only else self.values
            return Series([REDUCTIONS[name](row) for row in rows], self.index)
        frame = self._numeric() if numeric_only else self
        reduce = REDUCTIONS[name]
        return Series({key: reduce(values) for key, values in frame._cells.items()})

    def _numeric(self) -> "DataFrame":
        return self[[name for name in self if self[name].dtype in _NUMERIC]]

    def count(self, axis: int = 0, numeric_only: bool = False) -> Series:
        """Return how many values are there."""
        return self._reduce("count", axis, numeric_only)

    def nunique(self) -> Series:
        """Return how many values there are, each counted once."""
        return self._reduce("nunique", 0, False)

    def sum(self, axis: int = 0, numeric_only: bool = False) -> Series:
        """Return the sums."""
        return self._reduce("sum", axis, numeric_only)

    def mean(self, axis: int = 0, numeric_only: bool = False) -> Series:
        """Return the means."""
        return self._reduce("mean", axis, numeric_only)

    def median(self, axis: int = 0, numeric_only: bool = False) -> Series:
        """Return the medians."""
        return self._reduce("median", axis, numeric_only)

    def std(self, axis: int = 0, numeric_only: bool = False) -> Series:
        """Return the standard deviations of samples."""
        return self._reduce("std", axis, numeric_only)

    def min(self, axis: int = 0, numeric_only: bool = False) -> Series:
        """Return the least values."""
        return self._reduce("min", axis, numeric_only)

    def max(self, axis: int = 0, numeric_only: bool = False) -> Series:
        """Return the greatest values."""
        return self._reduce("max", axis, numeric_only)

    def to_dict(self, orient: str = "dict") -> Any:
        """Return columns by labels, rows (`"records"`), or lists (`"list"`)."""
        if orient == "records":
            return [row.to_dict() for _, row in self.iterrows()]
        if orient == "list":
            return {name: list(values) for name, values in self._cells.items()}
        if orient != "dict":
            raise NotHere(f"`to_dict({orient!r})`")
        return {name: self[name].to_dict() for name in self._cells}

    def to_csv(self, path_or_buf: Any = None, index: bool = True) -> str | None:
        """Return lines of values with commas, or write them to a file."""
        text = io.StringIO()
        lines = csv.writer(text, lineterminator="\n")
        name = "" if self.index.name is None else self.index.name
        lines.writerow([*([name] if index else []), *self._cells])
        for label, row in zip(self.index, self.values, strict=True):
            values = ["" if is_missing(value) else value for value in row]
            lines.writerow([*([label] if index else []), *values])
        if path_or_buf is None:
            return text.getvalue()
        if hasattr(path_or_buf, "write"):
            path_or_buf.write(text.getvalue())
        else:
            with open(path_or_buf, "w", encoding="utf-8", newline="") as file:
                file.write(text.getvalue())
        return None

    def to_html(self, index: bool = True) -> str:
        """Return the frame as a table."""
        return table(self, index=index)

    def to_string(self, index: bool = True) -> str:
        """Return the frame as text."""
        if not self._cells or not len(self):
            columns = f"Columns: [{', '.join(map(str, self._cells))}]"
            labels = f"Index: [{', '.join(map(str, self.index))}]"
            return f"Empty DataFrame\n{columns}\n{labels}"
        heads = [""] * (self.index.name is not None)
        labels = ["", *(str(self.index.name) for _ in heads), *map(str, self.index)]
        columns = [] if not index else [labels]
        for name, column in self.items():
            # pandas leaves a place for the sign of numbers, and one before each value.
            sign = " " if column.dtype in ("int64", "float64") else ""
            values = [f"{' ' * index}{text}" for text in texts(column.values)]
            columns.append([f"{sign}{name}", *heads, *values])
        widths = [max(map(len, words)) for words in columns]
        lines = []
        for row in zip(*columns, strict=True):
            cells = [word.rjust(width) for word, width in zip(row, widths, strict=True)]
            if index:
                cells[0] = row[0].ljust(widths[0])
            lines.append(" ".join(cells))
        return "\n".join(lines)

    def __repr__(self) -> str:
        return self.to_string()

    def _repr_html_(self) -> str:
        return table(self)


#: the types of columns whose values can be summed up
_NUMERIC = ("int64", "float64", "bool")


def _listed(names: Any) -> list:
    if names is None:
        return []
    return list(names) if isinstance(names, list | tuple | Series | Index) else [names]


def _renamed(name: Any, by: Any) -> Any:
    if by is None:
        return name
    return by(name) if callable(by) else by.get(name, name)


def _columns_of(data: dict, labels: list | None) -> tuple[dict, list | None]:
    """Return the cells of columns, and the labels of rows that they have."""
    lists: dict[Any, Any] = {}
    for name, values in data.items():
        if isinstance(values, Series):
            if len({*values.index}) < len(values) and list(values.index) != labels:
                raise NotHere("a frame of a Series with labels that are there twice")
            if list(values.index) == labels:
                lists[name] = values.values
                continue
            values = values.to_dict()
        if isinstance(values, Mapping):
            labels = labels or list(values)
            lists[name] = values
        elif isinstance(values, str | int | float):
            lists[name] = values
        else:
            lists[name] = typed(values)
    sizes = [len(values) for values in lists.values() if isinstance(values, list)]
    count = len(labels) if labels is not None else next(iter(sizes), None)
    cells = {}
    for name, values in lists.items():
        if isinstance(values, Mapping):
            unknown = [label for label in values if label not in (labels or ())]
            if unknown and labels is not None and len(data) > 1:
                raise NotHere("a frame of columns with different labels")
            cells[name] = [values.get(label, NAN) for label in labels or ()]
        elif isinstance(values, str | int | float):
            if count is None:
                raise ValueError("If using all scalar values, you must pass an index")
            cells[name] = [values] * count
        else:
            cells[name] = values
    return cells, labels


def _columns_of_rows(rows: list, columns: Any) -> dict:
    if rows and isinstance(rows[0], Mapping):
        names = columns or dict.fromkeys(name for row in rows for name in row)
        return {name: [row.get(name, NAN) for row in rows] for name in names}
    rows = [
        [row] if isinstance(row, str | int | float) or row is None else list(row)
        for row in rows
    ]
    width = max(map(len, rows), default=0)
    names = range(width) if columns is None else list(columns)
    if rows and width != len(names):
        raise ValueError(
            f"{len(names)} columns passed, passed data had {width} columns"
        )
    return {
        name: [row[at] if at < len(row) else None for row in rows]
        for at, name in enumerate(names)
    }


def concat(objs: Any, ignore_index: bool = False) -> DataFrame:
    """Return the rows of frames, one below another."""
    frames = list(objs)
    if not frames or not all(isinstance(frame, DataFrame) for frame in frames):
        raise NotHere("`pandas.concat` of anything but frames")
    names = dict.fromkeys(name for frame in frames for name in frame)
    cells = {
        name: [
            value
            for frame in frames
            for value in (frame._cells.get(name) or [NAN] * len(frame))
        ]
        for name in names
    }
    labels = [label for frame in frames for label in frame.index]
    return frames[0]._with(cells, range(len(labels)) if ignore_index else Index(labels))


def merge(
    left: DataFrame,
    right: DataFrame,
    how: str = "inner",
    on: Any = None,
    left_on: Any = None,
    right_on: Any = None,
    suffixes: Any = ("_x", "_y"),
) -> DataFrame:
    """Return the rows of both frames that have the same values."""
    if how not in ("inner", "left", "right", "outer"):
        raise NotHere(f"`merge` with how={how!r}")
    if on is None and left_on is None:
        on = [name for name in left if name in right]
    ours, theirs = _listed(on or left_on), _listed(on or right_on)
    if not ours or len(ours) != len(theirs):
        raise ValueError("No common columns to perform merge on.")
    pairs = _pairs(_keys(left, ours), _keys(right, theirs), how)
    shared = [a for a, b in zip(ours, theirs, strict=True) if a == b]
    both = {name for name in left if name in right} - {*shared}
    cells: dict[Any, list] = {}
    for name, values in left._cells.items():
        target = f"{name}{suffixes[0]}" if name in both else name
        other = right._cells[name] if name in shared else [NAN] * len(right)
        cells[target] = [values[a] if a is not None else other[b] for a, b in pairs]
    for name, values in right._cells.items():
        if name not in shared:
            target = f"{name}{suffixes[1]}" if name in both else name
            cells[target] = [NAN if b is None else values[b] for _, b in pairs]
    return left._with(cells, range(len(pairs)))


def _keys(frame: DataFrame, names: list) -> list[tuple]:
    columns = [frame[name].values for name in names]
    return [tuple(map(key_of, row)) for row in zip(*columns, strict=True)]


def _pairs(left: list, right: list, how: str) -> list[tuple]:
    """Return the places of rows that belong together, None for none."""
    if how == "right":
        return [(a, b) for b, a in _pairs(right, left, "left")]
    pairs: list[tuple] = []
    for a, key in enumerate(left):
        found = [b for b, other in enumerate(right) if other == key]
        pairs += [(a, b) for b in found]
        if not found and how != "inner":
            pairs.append((a, None))
    if how == "outer":
        pairs += [(None, b) for b, key in enumerate(right) if key not in left]
        pairs.sort(
            key=lambda pair: left[pair[0]] if pair[1] is None else right[pair[1]]
        )
    return pairs
