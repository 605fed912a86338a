"""Decode what the API server sends as protobuf: half the bytes of JSON.

Protobuf names nothing, it numbers: which number is which field, `data/protobuf.json`
says for Kubernetes' own kinds. Only what the columns want is described to the decoder;
it steps over the rest. Custom resources have no protobuf: the server sends JSON.
"""

import functools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from helpers import quantities
from helpers.columns import Node
from helpers.walk import Page, Place, Values, element, same

CONTENT_TYPE = "application/vnd.kubernetes.protobuf"
#: what stands in front of every object in protobuf
_MAGIC = b"k8s\x00"
#: derived: tools/fieldnumbers/main.go says how
_NUMBERS = Path(__file__).parent / "data" / "protobuf.json"
#: the kind that stands for the metadata of any other
METADATA = ("meta.k8s.io/v1", "PartialObjectMetadata")

_Proto = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "string": (_Proto.TYPE_STRING, "string"),
    "bool": (_Proto.TYPE_BOOL, "boolean"),
    "int": (_Proto.TYPE_INT64, "integer"),
    "double": (_Proto.TYPE_DOUBLE, "number"),
}
#: what JSON writes as one value, and protobuf as a message
_SMALL = {
    "time": {"seconds": "1 int?"},
    "microtime": {"seconds": "1 int?", "nanos": "2 int"},
    "quantity": {"string": "1 string"},
    "intorstring": {"type": "1 int", "intVal": "2 int", "strVal": "3 string"},
}
_OURS = {
    "unknown": {"typeMeta": "1 typemeta", "raw": "2 bytes"},
    "typemeta": {"apiVersion": "1 string", "kind": "2 string"},
    "listmeta": {"resourceVersion": "2 string", "continue": "3 string"},
}


class Undescribed(Exception):
    """A column that protobuf cannot give: JSON has to be asked for."""


class Field(NamedTuple):
    """A field of a message, as `data/protobuf.json` has it.

    `shape` is "", "[]" or "map". Unset, it is left out if `optional`; zero, JSON has
    it nevertheless if `always`.
    """

    name: str
    number: int
    shape: str
    type: str
    optional: bool
    always: bool


@dataclass(frozen=True)
class Plan:
    """How to read columns from objects of one kind.

    `kinds` says what each column holds, `quantities` which are amounts of something.
    """

    root: Place
    kinds: dict[str, str]
    quantities: set[str]
    _list: type
    _item: type

    def page(self, body: bytes) -> Page:
        """Decode a list; a single object is a list of one."""
        found = _envelope().FromString(body[len(_MAGIC) :])
        if not found.typeMeta.kind.endswith("List"):
            return Page([self._item.FromString(found.raw)], "")
        decoded = self._list.FromString(found.raw)
        return Page(decoded.items, getattr(decoded.metadata, "continue"))


def kind_of(body: bytes) -> tuple[str, str]:
    """Return apiVersion and kind of an answer."""
    found = _envelope().FromString(body[len(_MAGIC) :]).typeMeta
    return found.apiVersion, found.kind


def plan(api_version: str, kind: str, tree: Node) -> Plan:
    """Plan how to read the places of `tree` from objects of a kind.

    Raise Undescribed if one of them is not in the table, or is no single value.
    """
    message = _table()["kinds"].get(f"{api_version} {kind}")
    if message is None:
        raise Undescribed(f"{api_version} {kind}")
    places = _Places()
    root = Place(same, below=list(places.below(message, tree)))
    types = _Types()
    for name, wanted in places.wanted.items():
        types.add(name, wanted.values())
    types.add("listmeta", fields(_OURS["listmeta"]))
    listed = Field("items", 2, "[]", message, False, False)
    types.add("list", [Field("metadata", 1, "", "listmeta", False, False), listed])
    classes = types.build()
    return Plan(
        root, places.kinds, places.quantities, classes("list"), classes(message)
    )


def fields(described: dict[str, str]) -> list[Field]:
    """Return the fields of a message from the table's notation: `3 []string!`."""
    found = []
    for name, notation in described.items():
        number, shape, kind, marks = re.fullmatch(
            r"(\d+) (\[\]|map )?([^?!]+)([?!]*)", notation
        ).groups()
        shape = (shape or "").strip()
        found.append(Field(name, int(number), shape, kind, "?" in marks, "!" in marks))
    return found


class _Places:
    """Finds the way to each column; notes the fields on it, and what columns hold."""

    def __init__(self) -> None:
        self.wanted: dict[str, dict[str, Field]] = {}
        self.kinds: dict[str, str] = {}
        self.quantities: set[str] = set()

    def below(self, message: str, node: Node, each: bool = False) -> Iterator[Place]:
        """Yield the places below one that holds a message."""
        if node.names or node.elements:
            raise Undescribed(node.path)
        for name, child in node.children.items():
            *around, field = _find(message, name) or [None]
            if field is None:
                raise Undescribed(child.path)
            # What JSON writes inline is a message of its own here.
            place = self._field(
                around[-1].type if around else message, field, child, each
            )
            for holder in reversed(range(len(around))):
                owner = around[holder - 1].type if holder else message
                self._want(owner, around[holder])
                place = Place(_message(around[holder]), below=[place])
            yield place

    def _field(self, message: str, field: Field, node: Node, each: bool) -> Place:
        self._want(message, field)
        if field.shape:
            return self._several(field, node, each)
        if field.type in _SCALARS:
            return self._leaf(Place(_scalar(field)), field.type, node, each)
        return self._content(Place(_message(field)), field.type, node, each)

    def _several(self, field: Field, node: Node, each: bool) -> Place:
        get = attrgetter(field.name)
        place = Place(
            lambda above: [None if o is None else get(o) or None for o in above]
        )
        if node.names:
            if field.type not in _SCALARS:
                raise Undescribed(node.path)
            place.names = node.names
            copy = dict if field.shape == "map" else list
            place.convert = lambda all: [None if v is None else copy(v) for v in all]
            self.kinds |= dict.fromkeys(node.names, "object")
        if field.shape == "map":
            if node.elements:
                raise Undescribed(node.path)
            for key, child in node.children.items():
                inner = Place(_value(key))
                place.below.append(self._content(inner, field.type, child, each))
            return place
        if node.children:
            raise Undescribed(node.path)
        for index, child in node.elements.items():
            inner = Place(same, each=True) if index is None else Place(element(index))
            part = self._content(inner, field.type, child, each or index is None)
            place.below.append(part)
        return place

    def _content(self, place: Place, kind: str, node: Node, each: bool) -> Place:
        """Complete a place whose values are of a type: a value, or a message."""
        if kind in _SCALARS or kind in _SMALL:
            return self._leaf(place, kind, node, each)
        place.below = list(self.below(kind, node, each))
        return place

    def _leaf(self, place: Place, kind: str, node: Node, each: bool) -> Place:
        if node.children or node.elements:
            raise Undescribed(node.path)
        place.names = node.names
        place.convert = (_IN_LISTS if each else _ALONE).get(kind)
        held = _SCALARS[kind][1] if kind in _SCALARS else _HELD.get(kind, kind)
        self.kinds |= dict.fromkeys(node.names, "object" if each else held)
        if kind == "quantity":
            self.quantities.update(node.names)
        return place

    def _want(self, message: str, field: Field) -> None:
        self.wanted.setdefault(message, {})[field.name] = field


class _Types:
    """Describes messages to the protobuf library."""

    def __init__(self) -> None:
        self._file = descriptor_pb2.FileDescriptorProto(name="columns.proto")
        self._file.package = "columns"
        self._known: set[str] = set()

    def add(self, name: str, wanted) -> None:
        """Describe a message with the fields that are wanted of it."""
        self._known.add(name)
        message = self._file.message_type.add(name=_identifier(name))
        for field in wanted:
            if field.type in _SMALL and field.type not in self._known:
                self.add(field.type, fields(_SMALL[field.type]))
            if field.shape == "map":
                self._add_map(message, field)
            else:
                self._add_field(message, field, field.type)

    def _add_map(self, message, field: Field) -> None:
        entry = message.nested_type.add(
            name=f"{field.name[0].upper()}{field.name[1:]}Entry"
        )
        entry.options.map_entry = True
        self._add_field(entry, Field("key", 1, "", "string", False, False), "string")
        self._add_field(entry, Field("value", 2, "", "", False, False), field.type)
        whole = message.field.add(name=field.name, number=field.number)
        whole.label, whole.type = _Proto.LABEL_REPEATED, _Proto.TYPE_MESSAGE
        whole.type_name = f".columns.{message.name}.{entry.name}"

    def _add_field(self, message, field: Field, kind: str) -> None:
        one = message.field.add(name=field.name, number=field.number)
        one.label = _Proto.LABEL_REPEATED if field.shape else _Proto.LABEL_OPTIONAL
        if kind == "bytes":
            one.type = _Proto.TYPE_BYTES
        elif kind in _SCALARS:
            one.type = _SCALARS[kind][0]
        else:
            one.type = _Proto.TYPE_MESSAGE
            one.type_name = f".columns.{_identifier(kind)}"

    def build(self):
        """Return a function that gives the class of a message by its name."""
        pool = descriptor_pool.DescriptorPool()
        pool.Add(self._file)
        return lambda name: message_factory.GetMessageClass(
            pool.FindMessageTypeByName(f"columns.{_identifier(name)}")
        )


@functools.cache
def _table() -> dict:
    table = json.loads(_NUMBERS.read_text())
    kind = " ".join(METADATA)
    table["kinds"][kind] = kind
    table["messages"][kind] = {"metadata": "1 meta/v1.ObjectMeta"}
    return table


@functools.cache
def _fields(message: str) -> dict[str, Field]:
    return {f.name: f for f in fields(_table()["messages"].get(message, {}))}


def _find(message: str, name: str) -> list[Field] | None:
    """Return the field `name`, after the messages around it that JSON does not show."""
    found = _fields(message)
    if name in found:
        return [found[name]]
    for field in found.values():
        if field.name.startswith(","):
            inner = _find(field.type, name)
            if inner:
                return [field._replace(name=field.name[1:]), *inner]
    return None


@functools.cache
def _envelope() -> type:
    types = _Types()
    for name in ("unknown", "typemeta"):
        types.add(name, fields(_OURS[name]))
    return types.build()("unknown")


def _identifier(name: str) -> str:
    return re.sub(r"\W", "_", name)


def _scalar(field: Field):
    name, get = field.name, attrgetter(field.name)
    if field.optional:
        return lambda above: [
            get(o) if o is not None and o.HasField(name) else None for o in above
        ]
    if field.always:
        return lambda above: [None if o is None else get(o) for o in above]
    return lambda above: [None if o is None else get(o) or None for o in above]


def _message(field: Field):
    name, get = field.name, attrgetter(field.name)
    if field.optional:
        return lambda above: [
            get(o) if o is not None and o.HasField(name) else None for o in above
        ]
    return lambda above: [None if o is None else get(o) for o in above]


def _value(key: str):
    return lambda maps: [m[key] if m is not None and key in m else None for m in maps]


def _seconds(values: Values) -> Values:
    return [
        t.seconds if t is not None and t.HasField("seconds") else None for t in values
    ]


def _microseconds(values: Values) -> Values:
    return [
        t.seconds * 1_000_000 + t.nanos // 1000
        if t is not None and t.HasField("seconds")
        else None
        for t in values
    ]


def _numbers(values: Values) -> Values:
    return [None if q is None else quantities.number(q.string) for q in values]


def _texts(values: Values) -> Values:
    return [
        None if v is None else v.strVal if v.type else str(v.intVal) for v in values
    ]


def _moments(values: Values) -> Values:
    return [
        None if us is None else _EPOCH + timedelta(microseconds=us)
        for us in _microseconds(values)
    ]


def _moments_of_seconds(values: Values) -> Values:
    return [
        None if s is None else _EPOCH + timedelta(seconds=s) for s in _seconds(values)
    ]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: from a small message to what goes into a column, times as counts of their unit
_ALONE = {
    "time": _seconds,
    "microtime": _microseconds,
    "quantity": _numbers,
    "intorstring": _texts,
}
#: the same for what stays in a list
_IN_LISTS = {**_ALONE, "time": _moments_of_seconds, "microtime": _moments}
_HELD = {"intorstring": "string"}
