"""The rows of a frame by the values of a column."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .limits import NotHere, refuse, whole
from .series import Index, Series
from .values import REDUCTIONS, is_missing

if TYPE_CHECKING:
    from .frame import DataFrame


@whole
class Groups:
    """The rows of each value, and what is made of them."""

    def __init__(self, frame: "DataFrame", by: Any, chosen: Any = None) -> None:
        if isinstance(by, list) and len(by) == 1:
            by = by[0]
        if not isinstance(by, str | int) or by not in frame.columns:
            if isinstance(by, str | int):
                raise KeyError(by)
            raise NotHere("`groupby` of anything but one column")
        self._frame, self._by, self._chosen = frame, by, chosen
        places: dict[Any, list[int]] = {}
        for at, value in enumerate(frame[by]):
            if not is_missing(value):
                places.setdefault(value, []).append(at)
        self._places = dict(sorted(places.items()))

    def __getitem__(self, key: Any) -> "Groups":
        names = key if isinstance(key, list) else [key]
        for name in names:
            if name not in self._frame.columns:
                raise KeyError(name)
        return Groups(self._frame, self._by, key)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in self._frame.columns:
            return self[name]
        raise refuse("groupby", name)

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[tuple]:
        for value, places in self._places.items():
            rows = self._frame._pick(places)
            yield value, rows if self._chosen is None else rows[self._chosen]

    @property
    def _labels(self) -> Index:
        return Index(self._places, self._by)

    def _column(self, name: Any, reduction: str) -> list:
        values, reduce = list(self._frame[name]), REDUCTIONS[reduction]
        return [reduce([values[at] for at in rows]) for rows in self._places.values()]

    def agg(self, func: Any) -> Any:
        """Return what is made of each group, by the name of a function."""
        if not isinstance(func, str) or func not in REDUCTIONS:
            raise NotHere("`groupby.agg` of anything but one name, such as 'sum'")
        if self._chosen is not None and not isinstance(self._chosen, list):
            column = self._column(self._chosen, func)
            return Series(column, self._labels, self._chosen)
        names = self._chosen or [name for name in self._frame if name != self._by]
        cells = {name: self._column(name, func) for name in names}
        return self._frame._with(cells, self._labels)

    def size(self) -> Series:
        """Return how many rows each group has."""
        counts = [len(rows) for rows in self._places.values()]
        is_column = self._chosen is not None and not isinstance(self._chosen, list)
        return Series(counts, self._labels, self._chosen if is_column else None)

    def count(self) -> Any:
        """Return how many values of each group are there."""
        return self.agg("count")

    def sum(self) -> Any:
        """Return the sums."""
        return self.agg("sum")

    def mean(self) -> Any:
        """Return the means."""
        return self.agg("mean")

    def median(self) -> Any:
        """Return the medians."""
        return self.agg("median")

    def min(self) -> Any:
        """Return the least values."""
        return self.agg("min")

    def max(self) -> Any:
        """Return the greatest values."""
        return self.agg("max")

    def nunique(self) -> Any:
        """Return how many values there are, each counted once."""
        return self.agg("nunique")
