"""Check a function that reads a list in pages."""

from collections.abc import Callable

from helpers import errors
from helpers.discovery import Server
from helpers.exercise import exercise


@exercise
def turn_pages(names_of: Callable[..., list[str]], server: Server, path: str) -> None:
    """Demand all names of the list at `path` of `names_of(path, limit=)`."""
    expected = [item["metadata"]["name"] for item in server.read(path)["items"]]
    for limit in (1, 2, len(expected), len(expected) + 1):
        found = names_of(path, limit=limit) or []
        count = f"limit={limit}: {len(found)} of {len(expected)} names"
        if len(found) < len(expected):
            raise errors.NotSolved(
                f"{count}. While there is `metadata.continue`, request a page with it."
            )
        if sorted(found) != sorted(expected):
            raise errors.NotSolved(f"{count}: a page came twice, or a name is wrong.")
