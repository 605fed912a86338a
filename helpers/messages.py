"""Describe protobuf messages to the library that decodes them, as far as is wanted.

What is not described is stepped over. In front of every object there is an envelope,
which says what it is.
"""

import functools
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from helpers.fieldnumbers import Field, fields

#: what stands in front of the envelope
_MAGIC = b"k8s\x00"

_Proto = descriptor_pb2.FieldDescriptorProto
SCALARS = {
    "string": _Proto.TYPE_STRING,
    "bool": _Proto.TYPE_BOOL,
    "int": _Proto.TYPE_INT64,
    "double": _Proto.TYPE_DOUBLE,
}
#: what JSON writes as one value, and protobuf as a message
SMALL = {
    "time": {"seconds": "1 int?"},
    "microtime": {"seconds": "1 int?", "nanos": "2 int"},
    "quantity": {"string": "1 string"},
    "intorstring": {"type": "1 int", "intVal": "2 int", "strVal": "3 string"},
}
#: what is around objects
_AROUND = {
    "unknown": {"typeMeta": "1 typemeta", "raw": "2 bytes"},
    "typemeta": {"apiVersion": "1 string", "kind": "2 string"},
    "listmeta": {"resourceVersion": "2 string", "continue": "3 string"},
}


class Envelope(NamedTuple):
    """An object of a kind, not decoded yet."""

    api_version: str
    kind: str
    raw: bytes


def open_envelope(body: bytes) -> Envelope:
    """Return what is in an answer."""
    found = _envelope().FromString(body[len(_MAGIC) :])
    return Envelope(found.typeMeta.apiVersion, found.typeMeta.kind, found.raw)


def classes(wanted: dict[str, dict[str, Field]], item: str) -> tuple[type, type]:
    """Return the class of objects whose message is `item`, and that of their lists.

    `wanted` has the fields that are wanted of each message, by their names.
    """
    types = _Types()
    for name, found in wanted.items():
        types.add(name, found.values())
    types.add("listmeta", fields(_AROUND["listmeta"]))
    listed = {"metadata": "1 listmeta", "items": f"2 []{item}"}
    types.add("list", fields(listed))
    class_of = types.build()
    return class_of(item), class_of("list")


class _Types:
    """Describes messages to the protobuf library."""

    def __init__(self) -> None:
        self._file = descriptor_pb2.FileDescriptorProto(name="columns.proto")
        self._file.package = "columns"
        self._known: set[str] = set()

    def add(self, name: str, wanted: Iterable[Field]) -> None:
        """Describe a message with the fields that are wanted of it."""
        self._known.add(name)
        message = self._file.message_type.add(name=_identifier(name))
        for field in wanted:
            if field.type in SMALL and field.type not in self._known:
                self.add(field.type, fields(SMALL[field.type]))
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
        elif kind in SCALARS:
            one.type = SCALARS[kind]
        else:
            one.type = _Proto.TYPE_MESSAGE
            one.type_name = f".columns.{_identifier(kind)}"

    def build(self) -> Callable[[str], type]:
        """Return a function that gives the class of a message by its name."""
        pool = descriptor_pool.DescriptorPool()
        pool.Add(self._file)
        return lambda name: message_factory.GetMessageClass(
            pool.FindMessageTypeByName(f"columns.{_identifier(name)}")
        )


@functools.cache
def _envelope() -> type:
    types = _Types()
    for name in ("unknown", "typemeta"):
        types.add(name, fields(_AROUND[name]))
    return types.build()("unknown")


def _identifier(name: str) -> str:
    return re.sub(r"\W", "_", name)
