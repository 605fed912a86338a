"""Check a function that reads a list in pages, although a page expires."""

import json
from collections.abc import Callable

from helpers.course.exercise import exercise
from helpers.errors import NotSolved
from helpers.language import mark, say

#: statuses of refusals that never pass
REFUSALS = (400, 401, 403, 404)
#: the name of an object that is there until a token has expired
_DELETED = "deleted-since"


@exercise
def survive_expiry(
    all_names: Callable[[Callable], list[str]], list_page: Callable, expired: str
) -> None:
    """Demand a function that returns all names of a list, `all_names(list_page)`.

    `list_page` takes `limit` and `_continue`. The first second page has `expired`, and
    the list has changed by then. An error other than 410 must end the function.
    """
    from kubernetes.client import ApiException

    expected = {pod.metadata.name for pod in list_page().items}
    late: list[dict] = []

    def bad_day(**options):
        if options.get("_continue") and not late:
            late.append(options)
            options = {**options, "_continue": expired}
        page = list_page(**options)
        if not late:
            page.items[0].metadata.name = _DELETED
        return page

    try:
        names = list(all_names(bad_day) or ())
    except ApiException as error:
        if error.status != 410:
            raise
        message = say("The second page returned 410, and your function ended there.")
        raise NotSolved(message) from None
    if not late:
        fault = mark(
            "It requested no second page: give `list_page` a limit and `_continue`."
        )
        raise NotSolved(say(fault))
    if old := ", ".join(sorted(set(names) - expected)):
        fault = mark(
            "{names} is in the result, and not in the list that was read last: forget "
            "what you have when you begin again."
        )
        raise NotSolved(say(fault, names=old))
    if missing := ", ".join(sorted(expected - set(names))):
        raise NotSolved(say("Names are missing: {names}.", names=missing))
    if len(names) > len(expected):
        raise NotSolved(say("Names are there twice: add each page once."))
    for status in REFUSALS:
        if _hides(all_names, list_page, status):
            fault = mark(
                "Your function hides a {status}, which never passes: `raise` every "
                "error but a 410."
            )
            raise NotSolved(say(fault, status=status))


def _hides(all_names: Callable, list_page: Callable, status: int) -> bool:
    """Return whether a function comes to its end although a request was refused."""
    from kubernetes.client import ApiException

    body = json.dumps({"kind": "Status", "code": status, "reason": ""})
    refusals = [ApiException(status=status, body=body)]

    def refused_once(**options):
        if refusals:
            raise refusals.pop()
        return list_page(**options)

    try:
        list(all_names(refused_once) or ())
    except Exception:
        return False
    return True
