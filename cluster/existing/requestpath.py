"""Read the path of a request to an API server: which version, which namespace. Pure."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

#: a server may be below another path, as behind `kubectl proxy --api-prefix`
_API = re.compile(r"(.*?)/(?:api/(v\d\w*)|apis/([^/]+/[^/]+))/")
#: what some server could read as another path
_UNCLEAR = re.compile(r"//|/\.\.?(/|$)|\\")


@dataclass(frozen=True)
class RequestPath:
    """A path: what stands before the API, its version, the rest, and a namespace.

    `version` is `v1` or `apps/v1`. `namespace` is "" for what is in none; `itself` says
    that the path is that of the namespace, and not of something in it.
    """

    path: str
    prefix: str
    version: str
    namespace: str
    itself: bool


def is_of_kubernetes(url: str) -> bool:
    """Say whether a URL, or its path alone, looks like one of a Kubernetes API."""
    return bool(_API.match(unquote(_path(url)) + "/"))


def read(url: str) -> RequestPath | None:
    """Return what a URL or its path says; None for one that is not clear."""
    coded = _path(url)
    path = unquote(coded)  # once, as a server does it
    found = _API.match(path + "/")
    if not found or _UNCLEAR.search(path) or path.count("/") != coded.count("/"):
        return None
    first, *names = path[found.end() :].split("/")
    namespace = names[0] if first == "namespaces" and names else ""
    core = bool(namespace) and found[2] is not None
    itself = core and names[1:] in ([], [""], ["status"], ["finalize"])
    return RequestPath(path, found[1], found[2] or found[3], namespace, itself)


def _path(url: str) -> str:
    # Not urlsplit: a path may begin with `//`, and is no host then.
    return re.sub(r"^[a-z]+://[^/?#]*", "", url).partition("?")[0].partition("#")[0]
