"""Check a function that reads a list in pages."""

from collections.abc import Callable

from helpers.course.exercise import exercise
from helpers.discovery import Server
from helpers.errors import NotSolved
from helpers.language import mark, say


@exercise
def turn_pages(names_of: Callable[..., list[str]], server: Server, path: str) -> None:
    """Demand all names of the list at `path` of `names_of(path, limit=)`."""
    expected = [item["metadata"]["name"] for item in server.read(path)["items"]]
    for limit in (1, 2, len(expected), len(expected) + 1):
        found = names_of(path, limit=limit) or []
        if len(found) < len(expected):
            fault = mark(
                "limit={limit}: the function returns {found} of {all} names. While "
                "there is `metadata.continue`, request a page with it."
            )
            counts = {"found": len(found), "all": len(expected)}
            raise NotSolved(say(fault, limit=limit, **counts))
        if sorted(found) != sorted(expected):
            fault = mark("limit={limit}: a page came twice, or a name is wrong.")
            raise NotSolved(say(fault, limit=limit))
