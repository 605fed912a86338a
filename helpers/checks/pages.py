"""Check a function that reads a list in pages, on a bad day."""

from collections.abc import Callable

_SECOND = 2


def survives_expiry(
    all_names: Callable[[Callable], list[str]], list_page: Callable, expired: str
) -> str:
    """Diagnose a function that returns all names of a list, `all_names(list_page)`.

    `list_page` takes `limit` and `_continue`. The first time that a second page is
    asked for, the server is shown the token `expired` instead.
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
        return "The second page was answered with 410, and your function ended there."
    return _wrong_names(found or [], expected, len(calls))


def _wrong_names(found: list[str], expected: list[str], calls: int) -> str:
    if calls < _SECOND:
        return "It asked for one page only; give `list_page` a limit, and go on."
    missing, twice = set(expected) - set(found), len(found) - len(set(found))
    if missing:
        return f"Names are missing: {', '.join(sorted(missing))}."
    if twice:
        return (
            f"{twice} names are there twice: forget what you have when you begin again."
        )
    return ""
