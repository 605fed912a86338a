"""Read Tables, in which the server prints objects for people, and make data of them.

Columns declare a type, but times among them are text: spans like `3d4h`.
"""

import functools
import re
from collections.abc import Iterable

import msgspec
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cluster import errors
from helpers.frames import Column, assemble

#: from the `type` that a column declares; everything else is text
_TYPES = {"integer": "integer", "number": "number", "boolean": "boolean"}
#: how kubectl's columns say that there is nothing
_NOTHING = {"", "<none>", "<unknown>", "<unset>"}
#: Columns of spans of time. They are declared as text, and a span cannot be told from
#: a quantity by its looks: `10m` of CPU is no time.
_SPANS = {"AGE", "DURATION", "LAST SCHEDULE", "LAST SEEN", "FIRST SEEN"}
_SPAN = re.compile(r"(?=\d)(?:(\d+)y)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_SECONDS = (365 * 86400, 86400, 3600, 60, 1)


class ListMeta(msgspec.Struct):
    """What a page says of its list: which moment it is of, and what is left."""

    token: str = msgspec.field(default="", name="continue")
    rest: int = msgspec.field(default=0, name="remainingItemCount")
    version: str = msgspec.field(default="", name="resourceVersion")


class Definition(msgspec.Struct):
    """A column; one of a priority above 0 is for `-o wide`."""

    name: str
    type: str
    priority: int = 0


class _Metadata(msgspec.Struct):
    namespace: str | None = None


class _Object(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


class Row(msgspec.Struct):
    """The cells of an object, and of its metadata what was asked for."""

    cells: list
    object: _Object | None = None

    @property
    def namespace(self) -> str | None:
        """Return the object's namespace, if the row tells it."""
        return self.object and self.object.metadata.namespace


class Table(msgspec.Struct):
    """One page of a list as the server prints it."""

    kind: str = ""
    metadata: ListMeta = msgspec.field(default_factory=ListMeta)
    definitions: list[Definition] = msgspec.field(
        default_factory=list, name="columnDefinitions"
    )
    rows: list[Row] | None = None


_decode = msgspec.json.Decoder(Table).decode


def read_table(path: str, body: bytes) -> Table:
    """Return the Table in an answer; raise NotATable for anything else."""
    try:
        table = _decode(body)
    except msgspec.MsgspecError:
        raise errors.NotATable(path, "something else") from None
    if table.kind != "Table":
        raise errors.NotATable(path, table.kind or "other JSON")
    return table


class Printed:
    """The columns of a printed list, growing by a Table at a time."""

    def __init__(self) -> None:
        """Start without columns; the first Table brings them."""
        self._definitions: list[Definition] = []
        self._columns: list[Column] = []
        self._namespaces = Column("string")
        self._spread = False

    def add(self, table: Table, namespaces: list[str | None] | None = None) -> None:
        """Append the rows of a Table, and the namespace that each one is in."""
        rows = table.rows or []
        if not self._columns:
            self._definitions = table.definitions
            kinds = [_TYPES.get(one.type, "string") for one in table.definitions]
            self._columns = [Column(kind) for kind in kinds]
        for column, cells in zip(
            self._columns, zip(*(row.cells for row in rows), strict=True), strict=False
        ):
            column.add(_known(cells))
        if namespaces:
            self._namespaces.add(namespaces)
            self._spread = self._spread or any(namespaces)

    def finish(
        self,
        path: str = "",
        *,
        wide: bool = False,
        columns: Iterable[str] | None = None,
    ) -> pd.DataFrame:
        """Return the frame of all rows; raise UnknownColumn, which names `path`."""
        found = {"NAMESPACE": [self._namespaces.finish]} if self._spread else {}
        for definition, column in zip(self._definitions, self._columns, strict=True):
            if wide or columns is not None or not definition.priority:
                name = definition.name.upper()
                span = name in _SPANS or definition.type == "date"
                finish = functools.partial(_spans, column) if span else column.finish
                # A list: custom resources may give two columns one name.
                found.setdefault(name, []).append(finish)
        for name in columns or ():
            if name not in found:
                raise errors.UnknownColumn(name, path, list(found))
        chosen = [
            (name, finish)
            for name in (found if columns is None else columns)
            for finish in found[name]
        ]
        return assemble([n for n, _ in chosen], [finish() for _, finish in chosen])


def _known(cells: tuple) -> list:
    """Return cells with None for what is written for nothing."""
    try:
        return [None if cell in _NOTHING else cell for cell in cells]
    except TypeError:
        # A list or a dict, in a column that a custom resource chose badly.
        return [None if cell in list(_NOTHING) else cell for cell in cells]


def _spans(column: Column) -> object:
    """Return a column of spans as timedeltas, or as text if it has anything else.

    An event that was seen again says "5m (x3 over 10m)".
    """
    whole = column.arrow()
    texts = pc.unique(whole)
    seconds = [None if text is None else _seconds(text) for text in texts.to_pylist()]
    if texts.null_count != seconds.count(None):
        return column.finish()
    spans = pa.array(seconds, pa.duration("s"))
    return spans.take(pc.index_in(whole, texts)).to_pandas()


def _seconds(text: str) -> int | None:
    """Return the seconds of a span as kubectl writes it ("3d4h"), or None."""
    found = _SPAN.fullmatch(text)
    if not found:
        return None
    return sum(
        int(n or 0) * unit for n, unit in zip(found.groups(), _SECONDS, strict=True)
    )
