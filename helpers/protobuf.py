"""Read columns from what the API server sends as protobuf.

It takes the server half the time of JSON to write, and there is less of it. Custom
resources have no protobuf: the server sends JSON.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter

from helpers import quantities
from helpers.columns import Node
from helpers.fieldnumbers import Field, find, message_of
from helpers.messages import SMALL, classes, open_envelope
from helpers.walk import Page, Place, Values, element, same

CONTENT_TYPE = "application/vnd.kubernetes.protobuf"
#: what a column of a type holds
_SCALARS = {
    "string": "string",
    "bool": "boolean",
    "int": "integer",
    "double": "number",
}


class Undescribed(Exception):
    """A column that protobuf cannot give: JSON has to be asked for."""


@dataclass(frozen=True)
class Plan:
    """How to read columns from objects of one kind.

    `kinds` says what each column holds, `quantities` which are amounts of something.
    """

    root: Place
    kinds: dict[str, str]
    quantities: set[str]
    _item: type
    _list: type

    def page(self, body: bytes) -> Page:
        """Decode a list; a single object is a list of one."""
        found = open_envelope(body)
        if not found.kind.endswith("List"):
            return Page([self._item.FromString(found.raw)], "")
        decoded = self._list.FromString(found.raw)
        return Page(decoded.items, getattr(decoded.metadata, "continue"))


def kind_of(body: bytes) -> tuple[str, str]:
    """Return apiVersion and kind of an answer."""
    found = open_envelope(body)
    return found.api_version, found.kind


def plan(api_version: str, kind: str, tree: Node) -> Plan:
    """Plan how to read the places of `tree` from objects of a kind.

    Raise Undescribed if one of them is not in the table, or is no single value.
    """
    message = message_of(api_version, kind)
    if message is None:
        raise Undescribed(f"{api_version} {kind}")
    places = _Places()
    root = Place(same, below=list(places.below(message, tree)))
    decoders = classes(places.wanted, message)
    return Plan(root, places.kinds, places.quantities, *decoders)


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
            *around, field = find(message, name) or [None]
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
        if kind in _SCALARS or kind in SMALL:
            return self._leaf(place, kind, node, each)
        place.below = list(self.below(kind, node, each))
        return place

    def _leaf(self, place: Place, kind: str, node: Node, each: bool) -> Place:
        if node.children or node.elements:
            raise Undescribed(node.path)
        place.names = node.names
        place.convert = (_IN_LISTS if each else _ALONE).get(kind)
        held = _SCALARS[kind] if kind in _SCALARS else _HELD.get(kind, kind)
        self.kinds |= dict.fromkeys(node.names, "object" if each else held)
        if kind == "quantity":
            self.quantities.update(node.names)
        return place

    def _want(self, message: str, field: Field) -> None:
        self.wanted.setdefault(message, {})[field.name] = field


def _scalar(field: Field) -> Callable[[Values], Values]:
    name, get = field.name, attrgetter(field.name)
    if field.optional:
        return lambda above: [
            get(o) if o is not None and o.HasField(name) else None for o in above
        ]
    if field.always:
        return lambda above: [None if o is None else get(o) for o in above]
    return lambda above: [None if o is None else get(o) or None for o in above]


def _message(field: Field) -> Callable[[Values], Values]:
    name, get = field.name, attrgetter(field.name)
    if field.optional:
        return lambda above: [
            get(o) if o is not None and o.HasField(name) else None for o in above
        ]
    return lambda above: [None if o is None else get(o) for o in above]


def _value(key: str) -> Callable[[Values], Values]:
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
