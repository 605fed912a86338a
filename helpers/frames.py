"""Build a data frame page by page, column by column.

Each page goes into Arrow's arrays at once, which need no Python object per cell: what
is kept of a long list is little more than the frame that comes of it.
"""

import json
from collections.abc import Iterable

import pandas as pd
import pyarrow as pa

#: what a column may hold, and how Arrow stores it. An `object` stays Python's: a dict
#: or a list; of `any` the values tell what they are.
ARROW = {
    "string": pa.large_string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "quantity": pa.float64(),
    "boolean": pa.bool_(),
    "time": pa.timestamp("s", tz="UTC"),
    "microtime": pa.timestamp("us", tz="UTC"),
}
#: what pandas makes of it; what is missing is NA in each of them
PANDAS = {
    "string": pd.StringDtype("pyarrow"),
    "integer": pd.Int64Dtype(),
    "number": pd.Float64Dtype(),
    "quantity": pd.Float64Dtype(),
    "boolean": pd.BooleanDtype(),
}
_INFERRED = ((bool, "boolean"), (int, "integer"), ((int, float), "number"))


class Column:
    """One column that grows by the values of a page."""

    def __init__(self, kind: str) -> None:
        """Hold values of `kind`, one of ARROW's or `object` or `any`."""
        self.kind = kind
        self._chunks: list = []

    def add(self, values: list) -> None:
        """Append the values of one page; None is missing."""
        arrow = ARROW.get(self.kind)
        self._chunks.append(values if arrow is None else chunk(values, arrow))

    def arrow(self) -> pa.ChunkedArray:
        """Return the whole as Arrow has it, for a kind that Arrow stores."""
        return pa.chunked_array(self._chunks, ARROW[self.kind])

    def finish(self):
        """Return the whole as an array that pandas takes without a copy."""
        if self.kind in ARROW:
            whole, dtype = self.arrow(), PANDAS.get(self.kind)
            self._chunks = []
            return dtype.__from_arrow__(whole) if dtype else whole.to_pandas()
        values = [value for page in self._chunks for value in page]
        self.kind = inferred(values) if self.kind == "any" else self.kind
        if self.kind in ARROW:
            self._chunks = [chunk(values, ARROW[self.kind])]
            return self.finish()
        return pd.Series([pd.NA if v is None else v for v in values], dtype="object")


def chunk(values: list, arrow: pa.DataType) -> pa.Array:
    """Return values as an Arrow array; times may be text or a count of their unit."""
    if pa.types.is_large_string(arrow):
        try:
            return pa.array(values, arrow)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            return pa.array([_text(value) for value in values], arrow)
    if pa.types.is_timestamp(arrow):
        if any(isinstance(value, str) for value in values):
            return pa.array(values, pa.string()).cast(arrow)
        return pa.array(values, pa.int64()).cast(arrow)
    return pa.array(values, arrow)


def inferred(values: Iterable) -> str:
    """Say what values without a schema are, if they are all the same."""
    known = [value for value in values if value is not None]
    if all(isinstance(value, str) for value in known):
        return "string"
    for types, kind in _INFERRED:
        strict = all(isinstance(value, types) for value in known)
        if strict and (
            kind == "boolean" or not any(v is True or v is False for v in known)
        ):
            return kind
    return "object"


def assemble(names: list[str], arrays: list) -> pd.DataFrame:
    """Return the frame of these columns; two may have the same name."""
    frame = pd.DataFrame(dict(enumerate(arrays)), copy=False)
    frame.columns = names
    return frame


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)
