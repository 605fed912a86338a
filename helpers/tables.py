"""Turn lists of the API server into data frames, asking for no more than is wanted.

`get_table` has the columns that `kubectl get` prints, as the server prints them: times
are as coarse as on the screen. `get_custom_columns` has fields of the objects, exact.

====================  ==============================  ===============================
what is asked for     `kubectl get`                   here
====================  ==============================  ===============================
printed columns       a Table, with the metadata      a Table without, one for each
                      of every object                 namespace
some fields           all objects, as JSON            protobuf where the server has it
fields of metadata    all objects, as JSON            metadata alone
a long list           page by page, all kept          page by page, only columns kept
====================  ==============================  ===============================
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec
import pandas as pd

from cluster import errors
from helpers import jsonlists, lists, protobuf, quantities
from helpers.apireader import Answer
from helpers.columns import Node, read, tree
from helpers.fieldnumbers import METADATA
from helpers.frames import Column, assemble
from helpers.lists import Server
from helpers.printed import Printed, Table, read_table
from helpers.schemas import read_schema
from helpers.walk import Page

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
JSON = "application/json"
#: what to add to a type for a list of which the metadata are enough
METADATA_ONLY = ";as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"

#: Rows per page of a Table without objects: a row is 150 bytes, an object 5,000.
ROWS = 5000
#: From so many rows in each namespace on, a table for each one is less work: so many
#: carry as many bytes of metadata as one more request costs time.
WORTH_A_REQUEST = 20


@lists.without_collector()
def get_table(
    server: Server,
    path: str,
    *,
    wide: bool = False,
    columns: Iterable[str] | None = None,
) -> pd.DataFrame:
    """Return what `kubectl get` prints of the list or object at `path`, as data.

    Columns are named as kubectl prints them; `wide` adds those of `-o wide`, and
    `columns` chooses some of all. A list over all namespaces has NAMESPACE first.
    Spans like AGE are timedeltas, as coarse as printed; numbers are Int64 or Float64;
    what is missing is NA. Raise ApiError if it is refused, NotATable if `path` is no
    resource, UnknownColumn.
    """
    printed = Printed()
    for table, namespaces in _tables(server, path):
        printed.add(table, namespaces)
    return printed.finish(path, wide=wide, columns=columns)


@lists.without_collector()
def get_custom_columns(
    server: Server, path: str, columns: str | Mapping[str, str]
) -> pd.DataFrame:
    """Return fields of the objects in the list at `path`, a column for each.

    `columns` maps names to paths, or is the text that `kubectl -o custom-columns`
    takes. Times are exact and in UTC. Quantities are numbers, and `attrs["units"]`
    has the unit of each: cores, bytes or count. Maps, lists and what `[*]` names are
    dicts and lists. What is missing is NA, and so is what is empty. Raise ApiError if
    it is refused, BadColumn, UnknownField.
    """
    wanted = _Wanted.read(path, columns)
    try:
        types = (protobuf.CONTENT_TYPE, JSON)
        return _columns(server, wanted, ",".join(t + wanted.form for t in types))
    except protobuf.Undescribed:
        # A new field, or one that is more than a value.
        return _columns(server, wanted._replace(form=""), JSON)


def frame(table: dict, *, wide: bool = False, namespaces: bool = False) -> pd.DataFrame:
    """Return the data frame of a Table, given as the JSON that the server sent.

    `namespaces` adds NAMESPACE, if the rows tell it.
    """
    page = msgspec.convert(table, Table)
    printed = Printed()
    printed.add(page, _told(page) if namespaces else None)
    return printed.finish(wide=wide)


def _tables(server: Server, path: str) -> Iterator[tuple[Table, list | None]]:
    """Yield the Tables of a list, and the namespaces of their rows if they differ."""
    if not lists.everywhere(path):
        yield from ((table, None) for _, table in _cells(server, [path]))
        return
    whole = lists.with_query(path, "includeObject=Metadata")
    some = lists.with_query(whole, f"limit={WORTH_A_REQUEST}")
    first = _page(path, server.ask(some, accept=TABLE)())
    if not first.token:
        yield first.items, _told(first.items)
    elif not any(_told(first.items)):
        yield from ((table, None) for _, table in _cells(server, [path]))
    elif namespaces := _namespaces(server, first.items):
        yield from _by_namespace(server, path, namespaces, first.items)
    else:
        for _, table in lists.pages(server, [whole], TABLE, _page):
            yield table, _told(table)


def _by_namespace(
    server: Server, path: str, namespaces: list[str], first: Table
) -> Iterator[tuple[Table, list]]:
    # The same moment for all of them, so that together they are one list.
    moment = f"resourceVersion={first.metadata.version}&resourceVersionMatch=Exact"
    parts = {lists.with_query(lists.within(path, n), moment): n for n in namespaces}
    for part, table in _cells(server, list(parts)):
        yield table, [parts[part]] * len(table.rows or ())


def _namespaces(server: Server, first: Table) -> list[str]:
    """Return all namespaces if one table for each is less work than one for all."""
    try:
        tables = [table for _, table in _cells(server, ["/api/v1/namespaces"])]
    except errors.ApiError:
        return []  # Who may list pods everywhere may still not list namespaces.
    names = [row.cells[0] for table in tables for row in table.rows or ()]
    if len(names) * WORTH_A_REQUEST > first.metadata.rest:
        return []
    # As the server sorts: what is in `a-b` comes before what is in `a`.
    return sorted(names, key=lambda name: f"{name}/")


def _cells(server: Server, paths: list[str]) -> Iterator[tuple[str, Table]]:
    """Yield path and Table for each page, without the objects of the rows."""
    plain = {lists.with_query(path, "includeObject=None"): path for path in paths}
    found = lists.pages(server, list(plain), TABLE, _page, limit=ROWS)
    return ((plain[path], table) for path, table in found)


def _page(path: str, answer: Answer) -> Page:
    table = read_table(path.partition("?")[0], answer.body)
    return Page(table, table.metadata.token)


def _told(table: Table) -> list[str | None]:
    return [row.namespace for row in table.rows or ()]


class _Wanted(NamedTuple):
    """Which fields of which list; `form` is what to ask for instead of all fields."""

    path: str
    columns: dict[str, str]
    tree: Node
    form: str

    @classmethod
    def read(cls, path: str, columns: str | Mapping[str, str]) -> "_Wanted":
        found = read(columns)
        root = tree(found)
        small = set(root.children) == {"metadata"} and lists.is_list(path)
        return cls(path, found, root, METADATA_ONLY if small else "")


def _columns(server: Server, wanted: _Wanted, accept: str) -> pd.DataFrame:
    plan, growing = None, {}

    def decode(path: str, answer: Answer) -> Page:
        nonlocal plan
        plan = plan or _plan(server, wanted, answer)
        return plan.page(answer.body)

    for _, items in lists.pages(server, [wanted.path], accept, decode):
        growing = growing or {name: Column(plan.kinds[name]) for name in wanted.columns}
        for name, values in plan.root.collect(items):
            growing[name].add(values)
    found = assemble(list(growing), [column.finish() for column in growing.values()])
    found.attrs["units"] = {
        name: quantities.unit(field)
        for name, field in wanted.columns.items()
        if name in plan.quantities
    }
    return found


def _plan(server: Server, wanted: _Wanted, answer: Answer):
    """Plan how to read the first page, and with it those that follow."""
    if answer.content_type == protobuf.CONTENT_TYPE:
        api_version, kind = protobuf.kind_of(answer.body)
        return protobuf.plan(api_version, kind.removesuffix("List"), wanted.tree)
    api_version, kind = jsonlists.kind_of(answer.body)
    if not kind:
        raise errors.NotATable(wanted.path, "other JSON")
    if wanted.form:
        return jsonlists.plan(wanted.tree, protobuf.plan(*METADATA, wanted.tree).kinds)
    kinds = _kinds(server, wanted, api_version, kind.removesuffix("List"))
    return jsonlists.plan(wanted.tree, kinds)


def _kinds(
    server: Server, wanted: _Wanted, api_version: str, kind: str
) -> dict[str, str]:
    """Return what each column holds, as the server describes it; raise UnknownField."""
    try:
        schema = read_schema(server, api_version, kind)
    except (errors.ApiError, errors.UnknownKind):
        # Not everybody may read it, and not everything is described.
        return dict.fromkeys(wanted.columns, "any")
    return {name: schema.at(path).holds() for name, path in wanted.columns.items()}
