"""Check a function that reads a list in pages, although a page expires."""

from collections.abc import Callable

from helpers.course.exercise import exercise
from helpers.errors import NotSolved
from helpers.language import mark, say

_SECOND = 2


@exercise
def survive_expiry(
    all_names: Callable[[Callable], list[str]], list_page: Callable, expired: str
) -> None:
    """Demand a function that returns all names of a list, `all_names(list_page)`.

    `list_page` takes `limit` and `_continue`; the first second page has expired.
    """
    from kubernetes.client import ApiException

    expected = [one.metadata.name for one in list_page().items]
    calls = []

    def bad_day(**options):
        calls.append(options)
        if len(calls) == _SECOND:
            options = {**options, "_continue": expired}
        return list_page(**options)

    try:
        found = all_names(bad_day)
    except ApiException as error:
        if error.status != 410:
            raise
        message = say("The second page returned 410, and your function ended there.")
        raise NotSolved(message) from None
    if len(calls) < _SECOND:
        fault = mark("It requested one page only: give `list_page` a limit, and go on.")
        raise NotSolved(say(fault))
    found = found or []
    if missing := ", ".join(sorted(set(expected) - set(found))):
        raise NotSolved(say("Names are missing: {names}.", names=missing))
    if twice := len(found) - len(set(found)):
        fault = mark(
            "{twice} names are there twice: forget what you have when you begin again."
        )
        raise NotSolved(say(fault, twice=twice))
