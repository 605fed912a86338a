"""Know what an API server offers to be read, and how each thing is asked for. Pure.

Everything comes from the server's own documents: `/` for the paths, aggregated
discovery for groups, versions and resources. Nothing is sent from here.
"""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from helpers.tables import TABLE
from helpers.widgets.podtable import printed_columns

#: what the first choice offers besides groups: the paths that `/` lists
ROOT = "/"
#: the core group has no name
CORE = ""
#: objects that are asked for at once, so that 5,000 neither freeze a page nor a server
LIMIT = 100
JSON = "application/json"
#: Paths that are no resources answer in forms of their own.
ANY = "application/json, */*;q=0.5"
#: They are read as well, but a GET opens a connection into a pod, a node or a Service.
_CONNECTING = frozenset(("attach", "exec", "portforward", "proxy"))


class Resource(NamedTuple):
    """One resource or subresource, as discovery describes it."""

    group: str
    version: str
    name: str
    kind: str
    namespaced: bool
    verbs: tuple[str, ...]

    @property
    def readable(self) -> bool:
        """Say whether a GET is of any use."""
        return not {"get", "list"}.isdisjoint(self.verbs)

    @property
    def full_name(self) -> str:
        """Return the name by which kubectl finds no other one."""
        return f"{self.name}.{self.version}.{self.group}" if self.group else self.name


class Target(NamedTuple):
    """What is to be read: a path of `/`, or a resource, a list of it or one object.

    An empty `namespace` means all, an empty `name` the list.
    """

    path: str = ROOT
    resource: Resource | None = None
    namespace: str = ""
    name: str = ""


class Request(NamedTuple):
    """How a target is asked for: always a GET."""

    path: str
    accept: str

    @property
    def method(self) -> str:
        """Return the verb."""
        return "GET"


def resources(documents: Iterable[dict]) -> list[Resource]:
    """Return what can be read, from aggregated discovery documents, sorted.

    Versions stay in the server's order, the preferred one first.
    """
    return [
        resource
        for document in documents
        for group in document.get("items", ())
        for version in group["versions"]
        for each in sorted(version.get("resources", ()), key=_name)
        for resource in _parts(group["metadata"].get("name", ""), version, each)
        if resource.readable
    ]


def groups(found: Iterable[Resource]) -> list[str]:
    """Return the names of the groups, the core group's empty one first."""
    return sorted({resource.group for resource in found})


def versions(found: Iterable[Resource], group: str) -> list[str]:
    """Return the versions of a group, the preferred one first."""
    return list(dict.fromkeys(each.version for each in found if each.group == group))


def of_version(found: Iterable[Resource], group: str, version: str) -> list[Resource]:
    """Return the resources of a group version."""
    return [each for each in found if (each.group, each.version) == (group, version)]


def describe(resource: Resource) -> str:
    """Return a resource as a choice: its name and the kind that it returns."""
    return f"{resource.name} ({resource.kind})" if resource.kind else resource.name


def paths(document: dict) -> list[str]:
    """Return the paths that `/` lists, and `/` itself first."""
    return [ROOT, *(path for path in document.get("paths", ()) if path != ROOT)]


def request(target: Target, *, table: bool = False) -> Request:
    """Return how to ask for a target, as it is or as the table kubectl prints."""
    resource = target.resource
    if resource is None:
        return Request(target.path, ANY)
    root = f"/apis/{resource.group}" if resource.group else "/api"
    parts = [root, resource.version]
    if resource.namespaced and target.namespace:
        parts += ["namespaces", quote(target.namespace, safe="")]
    plural, _, subresource = resource.name.partition("/")
    parts.append(plural)
    if target.name:
        parts.append(quote(target.name, safe=""))
        parts += [subresource] if subresource else []
        query = {"tailLines": str(LIMIT)} if subresource == "log" else {}
    else:
        query = {"limit": str(LIMIT)}
    path = "/".join(parts) + (f"?{urlencode(query)}" if query else "")
    if subresource:
        return Request(path, ANY)
    # The server may have no table for it, and then gives the object.
    return Request(path, f"{TABLE},{JSON}" if table else JSON)


def missing(target: Target) -> str:
    """Return what must be chosen before a target can be asked for, or ""."""
    resource = target.resource
    if resource is None:
        return ""
    if target.name:
        whole = target.namespace or not resource.namespaced
        return "" if whole else "Choose a namespace, or write NAMESPACE/NAME."
    if "/" in resource.name:
        return f"{resource.name} is a part of one object: write its name."
    if "list" not in resource.verbs:
        return f"{resource.name} cannot be listed: write the name of an object."
    return ""


def names(document: Any) -> list[tuple[str, str]]:
    """Return namespace and name of each object in a list or table."""
    if not isinstance(document, dict):
        return []
    if document.get("kind") == "Table":
        objects = [row.get("object") or {} for row in document.get("rows") or ()]
    else:
        objects = document.get("items") or ()
    found = [each.get("metadata", {}) for each in objects if isinstance(each, dict)]
    return [
        (each.get("namespace", ""), each["name"]) for each in found if "name" in each
    ]


def left_out(document: Any) -> str:
    """Return a sentence if a list is longer than what came, or ""."""
    metadata = document.get("metadata") if isinstance(document, dict) else None
    if not isinstance(metadata, dict) or not metadata.get("continue"):
        return ""
    # With a selector the server does not know how many remain.
    rest = metadata.get("remainingItemCount")
    more = "more" if rest is None else f"{rest:,} more"
    return f"These are the first {LIMIT}; the server has {more}."


def rows(document: Any) -> tuple[list[str], list[list[Any]]] | None:
    """Return columns and rows of a Table as kubectl prints them, None if it is none.

    NAMESPACE comes first where the objects have different ones.
    """
    if not isinstance(document, dict) or document.get("kind") != "Table":
        return None
    shown, columns = printed_columns(document.get("columnDefinitions") or ())
    lines = [
        [row["cells"][number] for number in shown] for row in document.get("rows") or ()
    ]
    spaces = [namespace for namespace, _ in names(document)]
    if len(set(spaces)) > 1 and len(spaces) == len(lines):
        columns.insert(0, "NAMESPACE")
        lines = [[space, *line] for space, line in zip(spaces, lines, strict=True)]
    return columns, lines


def parsed(content_type: str, body: bytes) -> Any:
    """Return JSON as what it says, anything else as text."""
    text = body.decode(errors="replace")
    if "json" in content_type:
        try:
            return json.loads(text)
        except ValueError:
            pass  # cut off, or no JSON after all
    return text


def _parts(group: str, version: dict, resource: dict) -> Iterable[Resource]:
    named = [(resource["resource"], resource)]
    named += [
        (f"{resource['resource']}/{part['subresource']}", part)
        for part in sorted(resource.get("subresources", ()), key=_subname)
        if part["subresource"] not in _CONNECTING
    ]
    for name, part in named:
        yield Resource(
            group,
            version["version"],
            name,
            (part.get("responseKind") or {}).get("kind", ""),
            resource["scope"] == "Namespaced",
            tuple(sorted(part.get("verbs", ()))),
        )


def _name(resource: dict) -> str:
    return resource["resource"]


def _subname(part: dict) -> str:
    return part["subresource"]
