"""Check a function that reads a list in pages."""

from collections.abc import Callable, Iterable
from typing import Any

from helpers.api.caller import Reply
from helpers.api.proxy import KubectlProxy
from helpers.course.exercise import exercise
from helpers.errors import NotSolved
from helpers.language import mark, say

_TWICE = mark("limit={limit}: a page came twice, or a name is wrong.")


@exercise
def turn_pages(
    names_of: Callable[..., Iterable[str]], proxy: KubectlProxy, path: str
) -> None:
    """Demand all names of the list at `path` of `names_of(path, limit=)`, in pages."""
    expected = [item["metadata"]["name"] for item in proxy.read(path)["items"]]
    sizes: list[int] = []
    send = proxy.request

    def request(*args: Any, **options: Any) -> Reply:
        reply = send(*args, **options)
        sizes.append(len(reply.json().get("items", ())))
        if len(sizes) > 2 * len(expected):
            # It would ask for ever.
            raise NotSolved(say(_TWICE, limit=limit))
        return reply

    vars(proxy)["request"] = request
    try:
        for limit in (1, 2, len(expected), len(expected) + 1):
            sizes.clear()
            names = list(names_of(path, limit=limit) or ())
            if len(names) < len(expected):
                fault = mark(
                    "limit={limit}: the function returns {found} of {all} names. While "
                    "there is `metadata.continue`, request a page with it."
                )
                counts = {"found": len(names), "all": len(expected)}
                raise NotSolved(say(fault, limit=limit, **counts))
            if sorted(names) != sorted(expected):
                raise NotSolved(say(_TWICE, limit=limit))
            pages = [limit] * (len(expected) // limit)
            rest = len(expected) % limit
            if sizes != pages + [rest] * bool(rest):
                fault = mark(
                    "limit={limit}: the names did not come in pages of {limit} through "
                    "`proxy`. Send `limit` with each request."
                )
                raise NotSolved(say(fault, limit=limit))
    finally:
        del vars(proxy)["request"]
