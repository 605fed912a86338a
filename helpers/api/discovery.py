"""List the resources of an API server, from its aggregated discovery: two requests."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

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
    """A `KubectlProxy` or a `Caller`."""

    def read(self, path: str, *, accept: str = "application/json") -> dict:
        """Return the JSON at `path` in the form that `accept` asks for."""


class Resource(NamedTuple):
    """A resource of one version; the core group's name is empty."""

    group: str
    version: str
    name: str
    kind: str
    namespaced: bool
    verbs: tuple[str, ...]
    short_names: tuple[str, ...]
    categories: tuple[str, ...]

    @property
    def api_version(self) -> str:
        """Return group and version as manifests write them: `v1`, `batch/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version


def api_resources(server: Server) -> pd.DataFrame:
    """Return a row per resource, with the columns of kubectl.

    NAME, SHORTNAMES, APIVERSION, NAMESPACED, KIND, VERBS, CATEGORIES; the cells of
    SHORTNAMES, VERBS and CATEGORIES are lists. The same as `kubectl api-resources
    -o wide`, with two requests; raise ApiError if the server refuses one.
    """
    rows = [
        (
            resource.name,
            [*resource.short_names],
            resource.api_version,
            resource.namespaced,
            resource.kind,
            [*resource.verbs],
            [*resource.categories],
        )
        for resource in resources(read_discovery(server))
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def read_discovery(server: Server) -> list[dict]:
    """Return the aggregated discovery documents; raise ApiError."""
    return [server.read(path, accept=AGGREGATED) for path in PATHS]


def resources(documents: Iterable[dict]) -> Iterator[Resource]:
    """Yield all resources, in the server's order: the preferred version first."""
    groups = [group for document in documents for group in document.get("items", ())]
    for group in groups:
        for version in group["versions"]:
            for resource in version.get("resources", ()):
                yield Resource(
                    group["metadata"].get("name", ""),
                    version["version"],
                    resource["resource"],
                    resource["responseKind"]["kind"],
                    resource["scope"] == "Namespaced",
                    tuple(sorted(resource["verbs"])),
                    tuple(resource.get("shortNames", ())),
                    tuple(resource.get("categories", ())),
                )
