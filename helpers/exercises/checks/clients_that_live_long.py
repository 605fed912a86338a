"""Check a function that reads a list in pages, although a page expires."""

from collections.abc import Callable

from helpers.course.exercise import exercise
from helpers.errors import NotSolved
from helpers.language import mark, say

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
    faults = iter([{"field_selector": "no field"}])

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
    try:
        # Refused once: a function that goes on comes to its end.
        list(all_names(lambda **one: list_page(**one, **next(faults, {}))) or ())
    except Exception:
        return
    fault = mark(
        "Your function hides a 400, which never passes: `raise` every error but a 410."
    )
    raise NotSolved(say(fault))
