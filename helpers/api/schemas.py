"""Read the schemas of an API server's kinds, a document of OpenAPI v3 per version."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from cluster.waiting import poll
from helpers import errors
from helpers.api.discovery import Server
from helpers.language import mark, say

INDEX = "/openapi/v3"
#: how deep a tree goes where no depth is asked for: a Pod in a Job is five deep
DEPTH = 12
#: documents by URL, which has a hash of the content: each is read once
_documents: dict[str, dict] = {}


@dataclass(frozen=True, repr=False)
class Schema:
    """The schema of a kind or of a field in it.

    `required` and `description` are those of the field. `node` is the part of the
    document, with its reference followed.
    """

    name: str
    node: dict
    components: dict
    required: bool = False
    path: str = ""

    @property
    def description(self) -> str:
        """Return the text that `kubectl explain` shows."""
        return self.node.get("description", "")

    @property
    def type(self) -> str:
        """Return the type as kubectl writes it: `string`, `[]Container`, `JobSpec`."""
        items, values = self.node.get("items"), self.node.get("additionalProperties")
        if items is not None:
            return f"[]{self._resolve(items).type}"
        if isinstance(values, dict) and "properties" not in self.node:
            return f"map[string]{self._resolve(values).type}"
        return self.name or self.node.get("type") or "Object"

    @property
    def fields(self) -> dict[str, "Schema"]:
        """Return the fields of an object by name; nothing for a single value."""
        required = self.node.get("required", ())
        return {
            name: self._resolve(node, f"{self.path}.{name}", name in required)
            for name, node in self.node.get("properties", {}).items()
        }

    def at(self, path: str) -> "Schema":
        """Return the schema of a field: `.spec.template`, `.spec.containers[*].image`.

        `[*]` can be left out, as in `kubectl explain`. Raise LabError for an
        unknown field, with the fields that are most like it.
        """
        schema = self
        for step in re.findall(r"[^.[\]]+", path):
            schema = schema._child(step)
        return schema

    def tree(self, *, depth: int = DEPTH) -> pd.DataFrame:
        """Return a row per field below: FIELD, TYPE, REQUIRED, ENUM, DEFAULT.

        ENUM is a list, DEFAULT the value that the server fills in; each is NA if there
        is none. DESCRIPTION comes last. `[*]` is an element of a list. The same as
        `kubectl explain --recursive`, which leaves the defaults out.
        """
        rows = [
            (
                field.path,
                field.type,
                field.required,
                field.node.get("enum", pd.NA),
                # Every part that has parts has the default `{}`: it is no value.
                pd.NA if (value := field.node.get("default")) in (None, {}) else value,
                field.description,
            )
            for field in self._walk(depth, ())
        ]
        columns = ["FIELD", "TYPE", "REQUIRED", "ENUM", "DEFAULT", "DESCRIPTION"]
        return pd.DataFrame(rows, columns=columns)

    def __repr__(self) -> str:
        return f"{self.path or self.name} <{self.type}>"

    def _walk(self, depth: int, around: tuple[str, ...]) -> Iterator["Schema"]:
        if depth == 0 or (self.name and self.name in around):
            # A schema of schemas holds itself.
            return
        for field in self.fields.values():
            yield field
            inner = field._contents()
            yield from inner._walk(depth - 1, (*around, self.name))

    def _contents(self) -> "Schema":
        """Return the schema of the elements of a list, or itself."""
        node = self.node.get("items")
        return (
            self if node is None else self._resolve(node, f"{self.path}[*]")._contents()
        )

    def _child(self, step: str) -> "Schema":
        items, values = self.node.get("items"), self.node.get("additionalProperties")
        if items is not None:
            element = self._resolve(items, f"{self.path}[*]")
            return element if step == "*" else element._child(step)
        if step in self.fields:
            return self.fields[step]
        path = f"{self.path}.{step}"
        if isinstance(values, dict):
            return self._resolve(values, path)
        names = errors.closest_names(step, sorted(self.fields))
        text = mark("{kind} has {names}.") if names else mark("{kind} has no fields.")
        message = say("There is no field {path}.", path=path)
        raise errors.LabError(message, say(text, kind=self.type, names=names))

    def _resolve(self, node: dict, path: str = "", required: bool = False) -> "Schema":
        """Return the schema of a part, its reference followed."""
        name, resolved = "", node
        for part in node.get("allOf", [node]):
            if "$ref" in part:
                full = part["$ref"].rpartition("/")[2]
                name = full.rpartition(".")[2]
                # The words beside a reference are about this field.
                rest = {key: node[key] for key in node.keys() - {"allOf", "$ref"}}
                resolved = {**self.components.get(full, {}), **rest}
        return Schema(name, resolved, self.components, required, path)


def read_schema(
    server: Server, api_version: str, kind: str, *, timeout: float = 0.0
) -> Schema:
    """Return the schema of a kind: `read_schema(server, "batch/v1", "Job")`.

    Wait up to `timeout` seconds for a kind that was just defined. Raise UnknownKind if
    it is not served, ApiError if the server refuses.
    """

    def found() -> Schema | None:
        with contextlib.suppress(errors.UnknownKind):
            return _read_schema(server, api_version, kind)
        return None

    what = say("the schema of {kind}", kind=kind)
    waited = timeout and poll(found, timeout, what=what)
    return waited or _read_schema(server, api_version, kind)


def _read_schema(server: Server, api_version: str, kind: str) -> Schema:
    place = f"apis/{api_version}" if "/" in api_version else f"api/{api_version}"
    index = server.read(INDEX)["paths"]
    if place not in index:
        raise errors.UnknownKind(api_version, "", sorted(index))
    url = index[place]["serverRelativeURL"]
    if url not in _documents:
        _documents[url] = server.read(url)
    components = _documents[url].get("components", {}).get("schemas", {})
    group, _, version = api_version.rpartition("/")
    gvk = {"group": group, "version": version, "kind": kind}
    kinds = []
    for node in components.values():
        for served in node.get("x-kubernetes-group-version-kind", ()):
            if served == gvk:
                return Schema(kind, node, components)
            kinds.append(served["kind"])
    raise errors.UnknownKind(api_version, kind, sorted(set(kinds)))
