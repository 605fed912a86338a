"""List what an API server serves, from the server's own discovery documents.

Only the aggregated form is read: two requests for everything, however many groups
there are. The classic form, one request per group version, is shown in the lesson.
"""

from collections.abc import Iterator
from typing import Protocol

import pandas as pd

#: KEP-3352, GA in 1.30; the older `v2beta1` form is answered with 406.
AGGREGATED = "application/json;v=v2;g=apidiscovery.k8s.io;as=APIGroupDiscoveryList"
#: `/api` is the core group's, older than the idea of groups.
PATHS = ("/api", "/apis")

#: as in `kubectl api-resources -o wide`
COLUMNS = [
    "NAME",
    "SHORTNAMES",
    "APIVERSION",
    "NAMESPACED",
    "KIND",
    "VERBS",
    "CATEGORIES",
]


class Server(Protocol):
    """What is needed of a server; `KubectlProxy` has it."""

    def read(self, path: str, *, accept: str) -> dict:
        """Return the JSON at `path` in the form that `accept` asks for."""


def api_versions(server: Server) -> pd.DataFrame:
    """Return a row per group version: GROUP, VERSION, PREFERRED.

    The core group's name is empty. The same as `kubectl api-versions`, with two
    requests; raise ApiError if one is refused.
    """
    documents = [server.read(path, accept=AGGREGATED) for path in PATHS]
    return versions_frame(documents)


def api_resources(server: Server, *, subresources: bool = False) -> pd.DataFrame:
    """Return a row per resource, with the columns of kubectl.

    NAME, SHORTNAMES, APIVERSION, NAMESPACED, KIND, VERBS, CATEGORIES; the cells of
    SHORTNAMES, VERBS and CATEGORIES are lists. With `subresources` also rows like
    `jobs/status`. The same as `kubectl api-resources -o wide`, with two requests;
    raise ApiError if one is refused.
    """
    documents = [server.read(path, accept=AGGREGATED) for path in PATHS]
    return resources_frame(documents, subresources=subresources)


def versions_frame(documents: list[dict]) -> pd.DataFrame:
    """Return the frame of `api_versions` from aggregated discovery documents."""
    rows = [
        (group["metadata"].get("name", ""), version["version"], place == 0)
        for document in documents
        for group in document["items"]
        # The server lists the preferred version first.
        for place, version in enumerate(group["versions"])
    ]
    types = {"GROUP": "string", "VERSION": "string", "PREFERRED": "bool"}
    return pd.DataFrame(rows, columns=list(types)).astype(types)


def resources_frame(
    documents: list[dict], *, subresources: bool = False
) -> pd.DataFrame:
    """Return the frame of `api_resources` from aggregated discovery documents."""
    rows = [
        row
        for document in documents
        for group in document["items"]
        for version in group["versions"]
        for resource in version["resources"]
        for row in _rows(group["metadata"].get("name", ""), version, resource)
        if subresources or "/" not in row[0]
    ]
    types = {"NAME": "string", "APIVERSION": "string", "KIND": "string"}
    types["NAMESPACED"] = "bool"
    return pd.DataFrame(rows, columns=COLUMNS).astype(types)


def _rows(group: str, version: dict, resource: dict) -> Iterator[tuple]:
    """Yield the rows of a resource and its subresources."""
    name = resource["resource"]
    api_version = f"{group}/{version['version']}" if group else version["version"]
    parts = [
        (name, resource),
        *(
            (f"{name}/{part['subresource']}", part)
            for part in resource.get("subresources", [])
        ),
    ]
    for part_name, part in parts:
        # Some subresources return nothing of their own, so they have no kind.
        kind = part.get("responseKind") or {}
        yield (
            part_name,
            part.get("shortNames", []),
            api_version,
            resource["scope"] == "Namespaced",
            kind.get("kind", pd.NA),
            sorted(part["verbs"]),
            part.get("categories", []),
        )
