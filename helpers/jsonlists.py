"""Decode lists that the API server sends as JSON, and of each object what is wanted.

The decoder is given types that have the wanted fields only: it checks the rest for
being JSON and steps over it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

import msgspec

from cluster import errors
from helpers import quantities
from helpers.columns import Node
from helpers.walk import Page, Place, Values, element, same

CONTENT_TYPE = "application/json"


class Kind(msgspec.Struct, rename={"api_version": "apiVersion"}):
    """What an answer says that it is."""

    kind: str = ""
    api_version: str = ""


class _Meta(msgspec.Struct, rename={"token": "continue"}):
    token: str = ""


@dataclass(frozen=True)
class Plan:
    """How to read columns from objects of any kind.

    `kinds` says what each column holds, `quantities` which are amounts of something.
    """

    root: Place
    kinds: dict[str, str]
    quantities: set[str]
    _list: msgspec.json.Decoder
    _item: msgspec.json.Decoder

    def page(self, body: bytes) -> Page:
        """Decode a list; a single object is a list of one.

        Raise BadColumn if an object holds a value where a column wants fields.
        """
        try:
            if not kind_of(body)[1].endswith("List"):
                return Page([self._item.decode(body)], "")
            found = self._list.decode(body)
        except msgspec.ValidationError as error:
            raise errors.BadColumn(str(error), "does not fit the objects") from None
        return Page(found.items, found.metadata.token)


def kind_of(body: bytes) -> tuple[str, str]:
    """Return apiVersion and kind of an answer."""
    found = msgspec.json.decode(body, type=Kind)
    return found.api_version, found.kind


def plan(tree: Node, kinds: dict[str, str]) -> Plan:
    """Plan how to read the places of `tree`; `kinds` says what each column holds."""
    fields = _Fields()
    try:
        item, take = fields.type_of([tree]), fields.take
    except _WantedWhole:
        item, take = object, _key
    listed = msgspec.defstruct("List", [("metadata", _Meta), ("items", list[item])])
    items, one = msgspec.json.Decoder(listed), msgspec.json.Decoder(item)
    amounts = {name for name, kind in kinds.items() if kind == "quantity"}
    kinds = dict(kinds)
    root = Place(same, below=_below(tree, take, kinds))
    return Plan(root, kinds, amounts, items, one)


class _WantedWhole(Exception):
    """One column wants a place as a whole and another one a part of it."""


class _Fields:
    """Describes the wanted fields to the decoder, under names that Python takes."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def take(self, name: str) -> Callable[[Values], Values]:
        """Return what takes a field out of objects."""
        get = attrgetter(self._name(name))
        return lambda above: [None if o is None else get(o) for o in above]

    def type_of(self, nodes: list[Node]):
        """Return the type of a place, which several nodes of the tree may mean."""
        below: dict[str, list[Node]] = {}
        for node in nodes:
            for name, child in node.children.items():
                below.setdefault(name, []).append(child)
        elements = [one for node in nodes for one in node.elements.values()]
        if [any(node.names for node in nodes), bool(below), bool(elements)].count(
            True
        ) > 1:
            raise _WantedWhole
        if elements:
            return list[self.type_of(elements)] | None
        if not below:
            return object
        fields = [
            (self._name(n), self.type_of(found), None) for n, found in below.items()
        ]
        rename = {self._name(name): name for name in below}
        return msgspec.defstruct("Object", fields, rename=rename, gc=False) | None

    def _name(self, name: str) -> str:
        return self._names.setdefault(name, f"f{len(self._names)}")


def _below(
    node: Node, take: Callable, kinds: dict[str, str], each: bool = False
) -> list[Place]:
    places = []
    for name, child in node.children.items():
        places.append(_place(Place(take(name)), child, take, kinds, each))
    for index, child in node.elements.items():
        place = Place(same, each=True) if index is None else Place(element(index))
        places.append(_place(place, child, take, kinds, each or index is None))
    return places


def _place(
    place: Place, node: Node, take: Callable, kinds: dict[str, str], each: bool
) -> Place:
    place.names, place.below = node.names, _below(node, take, kinds, each)
    if node.names:
        held = kinds[node.names[0]]
        place.convert = (_IN_LISTS if each else _ALONE).get(held, _without_empty)
        kinds |= dict.fromkeys(node.names, "object" if each else held)
    return place


def _key(name: str) -> Callable[[Values], Values]:
    return lambda above: [o.get(name) if isinstance(o, dict) else None for o in above]


def _numbers(values: Values) -> Values:
    return [None if v is None else quantities.number(str(v)) for v in values]


def _texts(values: Values) -> Values:
    return [v if v is None or isinstance(v, str) else str(v) for v in values]


def _moments(values: Values) -> Values:
    return [None if v is None else datetime.fromisoformat(v) for v in values]


def _without_empty(values: Values) -> Values:
    return [None if v in ([], {}) else v for v in values]


#: what makes a value of what JSON has, by what a column holds
_ALONE = {"quantity": _numbers}
#: the same for what stays in a list, where Arrow does not do it
_IN_LISTS = {**_ALONE, "string": _texts, "time": _moments, "microtime": _moments}
