"""Read a list page by page, the next one on its way while this one is used.

No more than two pages are held, however long the list is. All pages are of one moment:
the token of the next page carries the resource version of the first.
"""

import contextlib
import gc
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol
from urllib.parse import quote

from helpers.apireader import Answer
from helpers.walk import Page

#: objects per page: kubectl's own number
LIMIT = 500


class Server(Protocol):
    """What is needed of a server; `ApiReader` and `KubectlProxy` have it."""

    def ask(self, path: str, *, accept: str) -> Callable[[], Answer]:
        """Send a GET; return what waits for its answer."""


def pages(
    server: Server,
    paths: Iterable[str],
    accept: str,
    decode: Callable[[str, Answer], Page],
    *,
    limit: int = LIMIT,
) -> Iterator[tuple[str, Any]]:
    """Yield path and items of each page of these lists, or of the objects there.

    `decode` is given the path and the answer. Raise what `ask` and `decode` raise.
    """
    rest = iter(paths)

    def ask(path: str | None, token: str) -> tuple | None:
        if path is None:
            return None
        asked = with_query(path, f"limit={limit}")
        if token:
            asked = with_query(_without_moment(asked), f"continue={quote(token)}")
        return path, server.ask(asked, accept=accept)

    under_way = ask(next(rest, None), "")
    while under_way:
        path, wait = under_way
        page = decode(path, wait())
        under_way = ask(path, page.token) if page.token else ask(next(rest, None), "")
        yield path, page.items
        page = None
        if not gc.isenabled():
            # Of this page alone, in case something of it is in a cycle after all.
            gc.collect(0)


@contextlib.contextmanager
def without_collector() -> Iterator[None]:
    """Keep Python from searching for cycles, as a decorator or in a block.

    Every object that is decoded may set off a search through all that a notebook
    holds, which takes longer than the decoding; and none of them is in a cycle.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def with_query(path: str, query: str) -> str:
    """Return a path with one more query."""
    return f"{path}{'&' if '?' in path else '?'}{query}"


def is_list(path: str) -> bool:
    """Say whether a path is a list's and not one object's."""
    return len(_resource(path)) == 1


def everywhere(path: str) -> bool:
    """Say whether a path reaches over all namespaces, if its resource has them."""
    return is_list(path) and "/namespaces" not in path.partition("?")[0]


def within(path: str, namespace: str) -> str:
    """Return the path of the same list in one namespace."""
    plain, mark, query = path.partition("?")
    version, _, resource = plain.rstrip("/").rpartition("/")
    return f"{version}/namespaces/{namespace}/{resource}{mark}{query}"


def _without_moment(path: str) -> str:
    """Return a path that names no resource version: the token has one, and is alone."""
    plain, _, query = path.partition("?")
    kept = [part for part in query.split("&") if not part.startswith("resourceVersion")]
    return f"{plain}?{'&'.join(kept)}"


def _parts(path: str) -> list[str]:
    return path.partition("?")[0].strip("/").split("/")


def _resource(path: str) -> list[str]:
    """Return what follows version and namespace: the resource, a name, and so on."""
    rest = _parts(path)[2 if path.startswith("/api/") else 3 :]
    return rest[2:] if rest[:1] == ["namespaces"] and len(rest) > 2 else rest
