"""The rows of a frame by their labels and by their places."""

from typing import TYPE_CHECKING, Any

from .labelled import flags, is_mask
from .limits import NotHere
from .series import Series
from .values import NAN, typed

if TYPE_CHECKING:
    from .frame import DataFrame


class Rows:
    """The rows of a frame by their labels."""

    def __init__(self, frame: "DataFrame") -> None:
        self._frame = frame

    def __getitem__(self, key: Any) -> Any:
        frame = self._frame
        rows, columns = key if isinstance(key, tuple) else (key, slice(None))
        picked: Any
        if isinstance(rows, Series) or is_mask(rows):
            picked = frame[rows]
        elif isinstance(rows, slice):
            picked = frame[frame.index.places(rows)]
        elif isinstance(rows, list):
            picked = frame._pick([frame.index.place(label) for label in rows])
        else:
            picked = row_at(frame, frame.index.place(rows))
        if columns == slice(None):
            return picked
        if isinstance(columns, slice):
            raise NotHere("a choice from one column to another")
        return picked[columns]

    def __setitem__(self, key: Any, value: Any) -> None:
        frame = self._frame
        if isinstance(key, Series) or is_mask(key):
            raise NotHere("values for whole rows by a condition")
        rows, column = key if isinstance(key, tuple) else (key, None)
        if isinstance(rows, Series) or is_mask(rows):
            self._set_column(flags(rows, len(frame)), column, value)
        elif isinstance(rows, slice | list) or isinstance(column, slice | list):
            raise NotHere("values for several rows by their labels")
        elif column is None:
            self._set_row(rows, value)
        else:
            self._add(rows)
            values = list(frame._cells.get(column, [NAN] * len(frame)))
            values[frame.index.place(rows)] = value
            frame._cells[column] = typed(values)

    def _set_column(self, kept: list[bool], column: Any, value: Any) -> None:
        if not isinstance(value, str | int | float):
            raise NotHere("several values by a condition")
        frame = self._frame
        old = frame._cells.get(column, [NAN] * len(frame))
        pairs = zip(kept, old, strict=True)
        frame._cells[column] = typed([value if keep else was for keep, was in pairs])

    def _set_row(self, label: Any, value: Any) -> None:
        frame = self._frame
        names = list(frame)
        if isinstance(value, dict | Series):
            raise NotHere("a row of a dict or a Series")
        single = isinstance(value, str | int | float)
        values = [value] * len(names) if single else list(value)
        if len(values) != len(names):
            raise ValueError("cannot set a row with mismatched columns")
        self._add(label)
        for name, new in zip(names, values, strict=True):
            self[label, name] = new

    def _add(self, label: Any) -> None:
        frame = self._frame
        if label not in frame.index:
            frame.index.append(label)
            for values in frame._cells.values():
                values.append(NAN)


class Places:
    """The rows of a frame by their places."""

    def __init__(self, frame: "DataFrame") -> None:
        self._frame = frame

    def __getitem__(self, key: Any) -> Any:
        frame = self._frame
        rows, columns = key if isinstance(key, tuple) else (key, slice(None))
        if isinstance(columns, slice):
            frame = frame[list(frame)[columns]]
        elif isinstance(columns, list):
            frame = frame[[list(frame)[at] for at in columns]]
        else:
            return frame[list(frame)[columns]].iloc[rows]
        if isinstance(rows, slice):
            return frame[rows]
        if is_mask(rows):
            return frame._where(rows)
        if isinstance(rows, list):
            return frame._pick(rows)
        return row_at(frame, range(len(frame))[rows])

    def __setitem__(self, key: Any, value: Any) -> None:
        raise NotHere("`iloc` with a new value")


def row_at(frame: "DataFrame", at: int) -> Series:
    """Return the row at a place."""
    row = {name: values[at] for name, values in frame._cells.items()}
    return Series(row, name=frame.index[at])
