"""Turn lists of the API server into data frames, and ask for no more than is needed.

`get_table` has the columns that `kubectl get` prints, rounded as on the screen;
`get_custom_columns` has exact fields of the objects.

==================  =======================  =========================================
columns             `kubectl get` asks for   asked for here
==================  =======================  =========================================
printed             a Table, with the        a Table without objects, or with their
                    metadata of each object  metadata in a list of all namespaces
fields of metadata  whole objects            PartialObjectMetadata
other fields        whole objects            whole objects
==================  =======================  =========================================
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pandas as pd

from helpers import columns as paths, errors, quantities
from helpers.discovery import Server
from helpers.requestpath import reading
from helpers.schemas import read_schema

JSON = "application/json"
TABLE = f"{JSON};as=Table;v=v1;g=meta.k8s.io"
METADATA = f"{JSON};as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
#: objects per page: kubectl's own number
LIMIT = 500

#: the type of a column, by what it holds; `any` is inferred, all else stays Python's
_DTYPES = {
    "string": "string",
    "integer": "Int64",
    "number": "Float64",
    "quantity": "Float64",
    "boolean": "boolean",
    "time": "datetime64[s, UTC]",
    "microtime": "datetime64[us, UTC]",
}
#: how a printed cell says that there is nothing
_NOTHING = ("", "<none>", "<unknown>", "<unset>")
#: Columns of time spans. They are declared as text, and a span cannot be told from a
#: quantity by its looks: `10m` of CPU is no time.
_SPANS = {"AGE", "DURATION", "LAST SCHEDULE", "LAST SEEN", "FIRST SEEN"}
_SPAN = re.compile(r"(?=\d)(?:(\d+)y)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_UNITS = [timedelta(seconds=n) for n in (365 * 86400, 86400, 3600, 60, 1)]


def get_table(server: Server, path: str) -> pd.DataFrame:
    """Return what `kubectl get` prints of the list or object at `path`, as data.

    Columns are named as kubectl prints them. A list of all namespaces has NAMESPACE
    first. Spans like AGE are timedeltas, numbers Int64 or
    Float64, and what is missing is NA. Raise ApiError if the server refuses, LabError
    if `path` is no resource.
    """
    # Rows have to name their namespace only where they have different ones.
    objects = "None" if reading(path, "").namespace else "Metadata"
    pages = [*_pages(server, _with_query(path, f"includeObject={objects}"), TABLE)]
    for page in pages:
        if page.get("kind") != "Table":
            raise _no_table(path, page.get("kind", "other JSON"))
    return frame(pages)


def get_custom_columns(
    server: Server, path: str, columns: str | Mapping[str, str]
) -> pd.DataFrame:
    """Return fields of the objects in the list at `path`, a column for each.

    `columns` maps names to paths, or is the text that `kubectl -o custom-columns`
    takes. Times are exact and in UTC. Quantities are numbers, and `attrs["units"]` has
    the unit of each: cores, bytes or count. Maps, lists and what `[*]` finds are dicts
    and lists. What is missing is NA. Raise ApiError if the server refuses, LabError
    if `path` is no resource, BadColumn, UnknownField.
    """
    fields = paths.read(columns)
    steps = {name: paths.steps(field) for name, field in fields.items()}
    small = all(each[0] == "metadata" for each in steps.values())
    small = small and reading(path, "").verb == "list"
    kinds: dict[str, str] = {}
    cells: dict[str, list] = {name: [] for name in fields}
    for page in _pages(server, path, f"{METADATA},{JSON}" if small else JSON):
        kinds = kinds or _kinds(server, path, page, fields)
        for obj in page.get("items", [page]) or ():
            for name in fields:
                cells[name].append(_cell(obj, steps[name], kinds[name]))
    whole = pd.DataFrame(
        {
            name: _series("object" if None in steps[name] else kind, cells[name])
            for name, kind in kinds.items()
        }
    )
    amounts = [name for name, kind in kinds.items() if kind == "quantity"]
    whole.attrs["units"] = {name: quantities.unit(fields[name]) for name in amounts}
    return whole


def frame(pages: Sequence[dict]) -> pd.DataFrame:
    """Return the data frame of a Table that came in pages, at least one."""
    rows = [row for page in pages for row in page.get("rows") or ()]
    found = []
    namespaces = [_namespace(row) for row in rows]
    if any(namespaces):
        found.append(("NAMESPACE", _series("string", namespaces)))
    for place, definition in enumerate(pages[0]["columnDefinitions"]):
        if not definition.get("priority"):
            name = definition["name"].upper()
            cells = [row["cells"][place] for row in rows]
            found.append((name, _printed(name, definition["type"], cells)))
    # By number first: a custom resource may give two columns one name.
    whole = pd.DataFrame({number: series for number, (_, series) in enumerate(found)})
    whole.columns = [name for name, _ in found]
    return whole


def _pages(server: Server, path: str, accept: str) -> Iterator[dict]:
    """Yield the pages of a list; they are all of one moment."""
    asked = path = _with_query(path, f"limit={LIMIT}")
    while asked:
        try:
            page = server.read(asked, accept=accept)
        except json.JSONDecodeError:
            raise _no_table(path.partition("?")[0], "text") from None
        yield page
        token = page.get("metadata", {}).get("continue")
        asked = token and _with_query(path, f"continue={quote(token)}")


def _no_table(path: str, kind: str) -> errors.LabError:
    fact = f"{path} answers with {kind}, not with a Table."
    return errors.LabError(fact, "Give the path of a resource, as /api/v1/pods.")


def _with_query(path: str, query: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}{query}"


def _kinds(
    server: Server, path: str, page: dict, fields: Mapping[str, str]
) -> dict[str, str]:
    """Return what each column holds, as the server describes it; raise UnknownField."""
    if "kind" not in page:
        raise _no_table(path, "other JSON")
    api_version, kind = page["apiVersion"], page["kind"]
    if kind == "PartialObjectMetadataList":
        # No kind any more, and the metadata of all kinds have the same fields.
        api_version, kind = "v1", "Namespace"
    elif "items" in page:
        kind = kind.removesuffix("List")
    try:
        schema = read_schema(server, api_version, kind)
    except (errors.ApiError, errors.UnknownKind):
        # Not everybody may read it, and not everything is described.
        return dict.fromkeys(fields, "any")
    return {name: schema.at(field).holds() for name, field in fields.items()}


def _cell(obj: dict, steps: Sequence, kind: str) -> object:
    """Return what a column has of an object: a list if its path has `[*]`."""
    found = [_value(kind, value) for value in paths.values(obj, steps)]
    if None in steps:
        return found or None
    return found[0] if found else None


def _value(kind: str, value: object) -> object:
    """Return the value of a field of JSON as what it means."""
    if kind == "quantity":
        return quantities.number(str(value))
    if kind in ("time", "microtime"):
        return datetime.fromisoformat(str(value)).astimezone(UTC)
    if kind == "string" and not isinstance(value, str):
        return json.dumps(value)
    return value


def _series(kind: str, values: Sequence) -> pd.Series:
    """Return a column of these values; None is missing."""
    if kind == "any":
        return pd.Series(values, dtype="object").convert_dtypes()
    return pd.Series(values, dtype=_DTYPES.get(kind, "object"))


def _namespace(row: dict) -> str | None:
    return (row.get("object") or {}).get("metadata", {}).get("namespace")


def _printed(name: str, declared: str, cells: list) -> pd.Series:
    """Return the column of printed cells."""
    known = [None if cell in _NOTHING else cell for cell in cells]
    if declared == "date" or name in _SPANS:
        spans = [cell and _span(cell) for cell in known]
        # An event that was seen again says "5m (x3 over 10m)": that stays text.
        if spans.count(None) == known.count(None):
            return pd.Series(spans, dtype="timedelta64[s]")
    kind = declared if declared in _DTYPES else "string"
    return _series(kind, [c if c is None else _value(kind, c) for c in known])


def _span(text: str) -> timedelta | None:
    """Return a span as kubectl writes it ("3d4h"), None for anything else."""
    found = _SPAN.fullmatch(text)
    if not found:
        return None
    parts = zip(found.groups(), _UNITS, strict=True)
    return sum((int(n or 0) * unit for n, unit in parts), timedelta())
