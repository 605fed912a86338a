"""Values with labels, and labels themselves."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from .labelled import Labelled, flags, is_mask
from .limits import NotHere, refuse, whole
from .texts import Text
from .values import (
    NAN,
    REDUCTIONS,
    Array,
    convert,
    counts,
    distinct,
    is_missing,
    is_number,
    key_of,
    ordered,
    present,
    quantile,
    texts,
    type_name,
    typed,
)


class Index(list):
    """Labels of rows or columns, which may have a name in common."""

    def __init__(self, labels: Iterable = (), name: object = None) -> None:
        super().__init__(labels)
        self.name = labels.name if isinstance(labels, Index) else name

    def __getattr__(self, name: str) -> Any:
        raise refuse("Index", name)

    def __eq__(self, other: object) -> Any:
        return Series(self) == other

    def __ne__(self, other: object) -> Any:
        return Series(self) != other

    __hash__ = None  # type: ignore[assignment]

    @property
    def str(self) -> Text:
        """Return the methods of text, for each label."""
        return Text(Series(self, self))

    @property
    def size(self) -> int:
        """Return how many there are."""
        return len(self)

    def tolist(self) -> list:
        """Return the labels."""
        return list(self)

    to_list = tolist

    def unique(self) -> "Index":
        """Return each label once."""
        return Index(distinct(self), self.name)

    def isin(self, values: Iterable) -> "Series":
        """Say of each label whether it is one of the values."""
        return Series(self, self).isin(values)

    def place(self, label: object) -> int:
        """Return the place of a label; raise KeyError without one, refuse several."""
        if label not in self:
            raise KeyError(label)
        if self.count(label) > 1:
            raise NotHere(f"a choice by {label!r}, which several rows are called")
        return self.index(label)

    def places(self, labels: slice) -> slice:
        """Return the places from one label to another, which is among them."""
        if labels.step is not None:
            raise NotHere("a step in a choice by labels")
        first = None if labels.start is None else self.place(labels.start)
        last = None if labels.stop is None else self.place(labels.stop) + 1
        return slice(first, last)


@whole
class Series(Labelled):
    """Values with labels."""

    def __init__(
        self, data: Any = (), index: Iterable | None = None, name: object = None
    ) -> None:
        if isinstance(data, Series):
            if index is not None:
                raise NotHere("a Series of a Series with an index")
            index, name = data.index, data.name if name is None else name
            data = data.values
        if isinstance(data, Mapping):
            if index is not None:
                data = {label: data.get(label, NAN) for label in index}
            index, data = data.keys(), data.values()
        if isinstance(data, str | int | float):
            data = [data] * (1 if index is None else len(list(index)))
        self.values = typed(data)
        self.index = Index(range(len(self.values)) if index is None else index)
        self.name = name
        if len(self.index) != len(self.values):
            raise ValueError(
                f"Length of values ({len(self.values)}) does not match length of "
                f"index ({len(self.index)})"
            )

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in self.index:
            return self[name]
        raise refuse("Series", name)

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator:
        return iter(self.values)

    def __contains__(self, label: object) -> bool:
        return label in self.index

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            is_place = all(
                end is None or isinstance(end, int) for end in (key.start, key.stop)
            )
            return self._pick(range(len(self))[key]) if is_place else self.loc[key]
        return self.loc[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.values[self.index.place(key)] = value

    @property
    def loc(self) -> "_Labels":
        """Return the values by their labels."""
        return _Labels(self)

    @property
    def iloc(self) -> "_Places":
        """Return the values by their places."""
        return _Places(self)

    @property
    def str(self) -> Text:
        """Return the methods of text, for each value."""
        return Text(self)

    @property
    def dtype(self) -> str:
        """Return the type of the values."""
        return type_name(self.values)

    @property
    def size(self) -> int:
        """Return how many values there are."""
        return len(self)

    @property
    def shape(self) -> tuple[int]:
        """Return how many values there are, as of an array."""
        return (len(self),)

    @property
    def empty(self) -> bool:
        """Return whether there is no value."""
        return not self.values

    def _pick(self, places: Iterable[int]) -> "Series":
        places = list(places)
        labels = Index([self.index[at] for at in places], self.index.name)
        values = type(self.values)(self.values[at] for at in places)
        return Series(values, labels, self.name)

    def _where(self, kept: Iterable) -> "Series":
        kept = flags(kept, len(self))
        return self._pick([at for at, keep in enumerate(kept) if keep])

    def _join(self, other: Any, join: Callable) -> "Series":
        if isinstance(other, Series) and list(other.index) != list(self.index):
            raise NotHere("an operation on two Series with different labels")
        several = isinstance(other, Series | list | tuple)
        others = list(other) if several else [other] * len(self)
        if len(others) != len(self):
            raise ValueError("Lengths must match to compare")
        pairs = zip(self.values, others, strict=True)
        name = self.name
        if isinstance(other, Series) and other.name != name:
            name = None
        return Series([join(*pair) for pair in pairs], self.index, name)

    def items(self) -> Iterator[tuple]:
        """Yield labels and values."""
        return iter(zip(self.index, self.values, strict=True))

    def map(self, function: Any) -> "Series":
        """Return the function's results, or what a dict has for the values."""
        if isinstance(function, Mapping):
            known = function
            return self.map(lambda value: known.get(value, NAN))
        return Series([function(value) for value in self], self.index, self.name)

    def apply(self, func: Callable) -> "Series":
        """Return the function's results."""
        return self.map(func)

    def to_dict(self) -> dict:
        """Return the values by their labels."""
        return dict(self.items())

    def tolist(self) -> list:
        """Return the values."""
        return list(self.values)

    to_list = tolist

    def copy(self) -> "Series":
        """Return one of its own."""
        return self._pick(range(len(self)))

    def head(self, n: int = 5) -> "Series":
        """Return the first values."""
        return self._pick(range(len(self))[:n])

    def tail(self, n: int = 5) -> "Series":
        """Return the last values."""
        return self._pick(range(len(self))[-n:] if n else ())

    def dropna(self) -> "Series":
        """Return the values that are there."""
        return self._where(self.notna())

    def fillna(self, value: Any) -> "Series":
        """Return the values, and another for those that are not there."""
        return self.map(lambda old: value if is_missing(old) else old)

    def astype(self, dtype: Any) -> "Series":
        """Return the values as another type."""
        return Series(convert(self.values, dtype), self.index, self.name)

    def round(self, decimals: int = 0) -> "Series":
        """Return shorter numbers."""
        return self.map(
            lambda value: round(value, decimals) if isinstance(value, float) else value
        )

    def isin(self, values: Iterable) -> "Series":
        """Say of each value whether it is one of these."""
        if isinstance(values, str):
            raise TypeError("only list-like objects are allowed to be passed to isin()")
        known = list(values)
        return self.map(lambda value: value in known)

    def between(self, left: Any, right: Any) -> "Series":
        """Say of each value whether it is between two others, or one of them."""
        return (self >= left) & (self <= right)

    def explode(self) -> "Series":
        """Return each member of a value that is a list as a value of its own."""
        pairs = [
            (label, member)
            for label, value in self.items()
            for member in (
                (value or [NAN]) if isinstance(value, list | tuple | set) else [value]
            )
        ]
        labels = Index([label for label, _ in pairs], self.index.name)
        return Series([value for _, value in pairs], labels, self.name)

    def unique(self) -> Array:
        """Return each value once."""
        return Array(distinct(self.values))

    def drop_duplicates(self) -> "Series":
        """Return the first of each value."""
        places = {key_of(value): at for at, value in [*enumerate(self)][::-1]}
        return self._pick(sorted(places.values()))

    def value_counts(
        self, normalize: bool = False, sort: bool = True, ascending: bool = False
    ) -> "Series":
        """Return how often each value is there, the most frequent first."""
        pairs = counts(present(self.values))
        if not sort:
            first = {value: at for at, value in enumerate(self.unique())}
            pairs.sort(key=lambda pair: first[pair[0]])
        elif ascending:
            pairs.sort(key=lambda pair: pair[1])
        whole = sum(count for _, count in pairs)
        numbers = [count / whole if normalize else count for _, count in pairs]
        labels = Index([value for value, _ in pairs], self.name)
        return Series(numbers, labels, "proportion" if normalize else "count")

    def sort_values(self, ascending: bool = True) -> "Series":
        """Return the values in their order; gaps come last."""
        return self._pick(ordered(range(len(self)), self.values, ascending))

    def sort_index(self, ascending: bool = True) -> "Series":
        """Return the values in the order of their labels."""
        return self._pick(ordered(range(len(self)), list(self.index), ascending))

    def nlargest(self, n: int = 5) -> "Series":
        """Return the greatest values."""
        return self.dropna().sort_values(ascending=False).head(n)

    def nsmallest(self, n: int = 5) -> "Series":
        """Return the least values."""
        return self.dropna().sort_values().head(n)

    def idxmax(self) -> Any:
        """Return the label of the greatest value."""
        return self.index[self.values.index(self.max())]

    def idxmin(self) -> Any:
        """Return the label of the least value."""
        return self.index[self.values.index(self.min())]

    def reset_index(self, drop: bool = False) -> Any:
        """Return the values with numbers as labels, and the old labels as a column."""
        if drop:
            return Series(self.values, name=self.name)
        return self.to_frame().reset_index()

    def to_frame(self) -> Any:
        """Return a frame with it as the column."""
        from .frame import DataFrame

        name = 0 if self.name is None else self.name
        return DataFrame({name: self}, index=self.index)

    def to_csv(self) -> str:
        """Return lines of values with commas."""
        return self.to_frame().to_csv()

    def rename(self, index: object) -> "Series":
        """Return the values with another name."""
        if callable(index) or isinstance(index, Mapping):
            raise NotHere("`Series.rename` of labels")
        return Series(self.values, self.index, index)

    def describe(self) -> "Series":
        """Return the numbers that sum up the values."""
        if not self.empty and all(map(is_number, present(self.values))):
            parts = {
                "count": float(self.count()),
                "mean": self.mean(),
                "std": self.std(),
                "min": self.min(),
                **{f"{part:.0%}": self.quantile(part) for part in (0.25, 0.5, 0.75)},
                "max": self.max(),
            }
            return Series(parts, name=self.name)
        top, often = (counts(present(self.values)) or [(NAN, NAN)])[0]
        facts = {
            "count": self.count(),
            "unique": self.nunique(),
            "top": top,
            "freq": often,
        }
        return Series(facts, name=self.name)

    def all(self) -> bool:
        """Return whether each value is true."""
        return all(self.values)

    def any(self) -> bool:
        """Return whether a value is true."""
        return any(self.values)

    def quantile(self, q: float = 0.5) -> float:
        """Return the value below which a part of them is."""
        return quantile(self.values, q)

    def count(self) -> int:
        """Return how many values are there."""
        return REDUCTIONS["count"](self.values)

    def sum(self) -> Any:
        """Return the sum."""
        return REDUCTIONS["sum"](self.values)

    def mean(self) -> float:
        """Return the mean."""
        return REDUCTIONS["mean"](self.values)

    def median(self) -> float:
        """Return the median."""
        return REDUCTIONS["median"](self.values)

    def std(self) -> float:
        """Return the standard deviation of a sample."""
        return REDUCTIONS["std"](self.values)

    def min(self) -> Any:
        """Return the least value."""
        return REDUCTIONS["min"](self.values)

    def max(self) -> Any:
        """Return the greatest value."""
        return REDUCTIONS["max"](self.values)

    def nunique(self) -> int:
        """Return how many values there are, each counted once."""
        return REDUCTIONS["nunique"](self.values)

    def to_string(self) -> str:
        """Return labels and values as text."""
        width = max((len(str(label)) for label in self.index), default=0)
        shown = texts(self.values)
        wide = max(map(len, shown), default=0)
        rows = zip(self.index, shown, strict=True)
        lines = [f"{label!s:<{width}}    {text:>{wide}}" for label, text in rows]
        if lines and self.index.name is not None:
            lines.insert(0, str(self.index.name))
        return "\n".join(lines or ["Series([])"])

    def __repr__(self) -> str:
        name = "" if self.name is None else f"Name: {self.name}, "
        return f"{self.to_string()}\n{name}dtype: {self.dtype}"


class _Labels:
    """The values of a Series by their labels."""

    def __init__(self, series: Series) -> None:
        self._series = series

    def __getitem__(self, key: Any) -> Any:
        series, index = self._series, self._series.index
        if isinstance(key, Series):
            if list(key.index) != list(index):
                raise NotHere("a choice by a Series with other labels")
            return series._where(key)
        if is_mask(key):
            return series._where(key)
        if isinstance(key, slice):
            return series._pick(range(len(series))[index.places(key)])
        if isinstance(key, list):
            return series._pick([index.place(label) for label in key])
        return series.values[index.place(key)]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._series[key] = value


class _Places:
    """The values of a Series by their places."""

    def __init__(self, series: Series) -> None:
        self._series = series

    def __getitem__(self, key: Any) -> Any:
        series = self._series
        if isinstance(key, int):
            return series.values[key]
        places = range(len(series))[key] if isinstance(key, slice) else key
        return series._pick(places)
