"""Look up the numbers by which protobuf calls the fields of Kubernetes' own kinds.

They stand in the tags of the Go types, from which the table is derived, and neither
discovery nor OpenAPI tells them. They never change: etcd is full of them.
"""

import functools
import json
import re
from pathlib import Path
from typing import NamedTuple

#: derived; tools/fieldnumbers/main.go says how
_TABLE = Path(__file__).parent / "data" / "protobuf.json"
#: the kind that stands for the metadata of any other
METADATA = ("meta.k8s.io/v1", "PartialObjectMetadata")


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


def message_of(api_version: str, kind: str) -> str | None:
    """Return the name of the message that holds objects of a kind, if it is known."""
    return _table()["kinds"].get(f"{api_version} {kind}")


def find(message: str, name: str) -> list[Field] | None:
    """Return the field `name`, after the messages around it that JSON does not show."""
    found = _fields(message)
    if name in found:
        return [found[name]]
    for field in found.values():
        if field.name.startswith(","):
            inner = find(field.type, name)
            if inner:
                return [field._replace(name=field.name[1:]), *inner]
    return None


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


@functools.cache
def _table() -> dict:
    table = json.loads(_TABLE.read_text())
    kind = " ".join(METADATA)
    table["kinds"][kind] = kind
    table["messages"][kind] = {"metadata": "1 meta/v1.ObjectMeta"}
    return table


@functools.cache
def _fields(message: str) -> dict[str, Field]:
    return {f.name: f for f in fields(_table()["messages"].get(message, {}))}
