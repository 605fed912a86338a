"""Show below each cell the requests that it caused; the audit log has them."""

import itertools
import os
import re
from collections.abc import Callable
from html import escape
from typing import Any, TypeVar

from helpers import errors, needs
from helpers.command import backend_in_use
from helpers.course import lessons
from helpers.course.exercise import CHECK
from helpers.language import say
from helpers.views.audit import AuditLog, audit_log

Found = TypeVar("Found")

#: lines below a cell, and characters of a path
MOST, WIDTH = 20, 100
#: the beginning of the name of a ServiceAccount, before its namespace
ACCOUNT = "system:serviceaccount:"
#: the method of a verb, if that is another word
_METHODS = {"create": "POST", "list": "GET", "watch": "GET", "update": "PUT"}
_METHODS |= {"deletecollection": "DELETE"}
#: the grey of a notebook's theme and of the site, or one with enough contrast
_GREY = "var(--jp-ui-font-color2, var(--pst-color-text-muted, #595959))"
_STYLE = f"color: {_GREY}; background: none; border: 0; margin: 0; padding: 0"
#: `_log`: audit log of the running cell. `_told`: why no lines were shown last time, so
#: that the reason is printed once.
_log: AuditLog | None = None
_told = ""


class _Lines:
    """The lines of cells, as a block: they stop at its end, whatever fails in it."""

    def __enter__(self) -> None:
        return

    def __exit__(self, *_: object) -> None:
        show_requests(False)

    def _ipython_display_(self) -> None:
        """Show nothing below a cell that ends with the call."""


def show_requests(on: bool = True) -> _Lines:
    """Show below each cell a grey line for each request it caused; `False` ends that.

    As a context manager, cover only the requests of the block.
    A line has the method, the path, the response code, the program, and the account if
    that is not yours. Left out are requests of the cluster's components and of other
    lessons, and cells with a check, which would give its answer away. Say once why
    there are none, as on an existing cluster. Raise NotConnected before `connect()`.
    """
    from IPython import get_ipython  # not on top: it takes long to load

    if not isinstance(on, bool):
        text = say("show_requests() takes True or False, not {on!r}.", on=on)
        raise errors.LabError(text)
    backend_in_use()
    if (notebook := get_ipython()) is None:
        raise errors.LabError(say("show_requests() needs a notebook."))
    _end()
    for moment, hook in (("pre_run_cell", _begin), ("post_run_cell", _end)):
        hooks = notebook.events.callbacks[moment]
        hooks[:] = [other for other in hooks if other != hook] + [hook] * on
    if on:
        _begin()
    return _Lines()


def _begin(cell: Any = None) -> None:
    global _log
    _log = None if cell and _is_check(cell.raw_cell) else _ask_or_tell(audit_log)


def _is_check(source: str) -> bool:
    """Return whether the cell that runs is a check, by its tag if it came with tags."""
    from IPython import get_ipython

    # Only JupyterLab sends them.
    tags = needs.tags_of_cell(get_ipython())
    return CHECK in tags if tags else "checks." in source


def _end(_: object = None) -> None:
    global _log
    log, _log = _log, None
    _show(_ask_or_tell(lambda: log.read(lines)) if log else None)


def _ask_or_tell(ask: Callable[[], Found]) -> Found | None:
    """Return what `ask` returns; tell why there is nothing, unless that was told."""
    global _told
    before, _told = _told, ""
    try:
        return ask()
    except errors.LabError as error:
        _told = error.message
        if _told != before:
            _show([say("No requests are shown: {why}", why=_told)])
        return None


def lines(events: list[dict]) -> list[str]:
    """Return a line for each request of this notebook; equal ones in a row are one."""
    request_lines = [_line(event) for event in events if not _is_elsewhere(event)]
    counted = [(line, len([*same])) for line, same in itertools.groupby(request_lines)]
    lines = [f"{line} × {n}" if n > 1 else line for line, n in counted]
    more = say("… and {count:,} more", count=len(lines) - MOST)
    return lines[:MOST] + [more] * (len(lines) > MOST)


def _line(event: dict) -> str:
    verb, uri = event["verb"], errors.without_tokens(event["requestURI"])
    user = event["user"].get("username", "")
    agent = event.get("userAgent", "").partition("/")[0]
    who = event.get("impersonatedUser", {}).get("username", "")
    who = who or user * user.startswith("system:")
    parts = (
        f"→ {_METHODS.get(verb, verb.upper())}",
        # Clients sort a query, so that `watch=true` is its end.
        uri if len(uri) <= WIDTH else f"{uri[: WIDTH - 20]}…{uri[-20:]}",
        str(event.get("responseStatus", {}).get("code", "…")),
        "python" if agent == "OpenAPI-Generator" else agent,
        who and f"as {who}",
    )
    return " ".join(filter(None, parts))


def _is_elsewhere(event: dict) -> bool:
    """Return whether a request is of another lesson: by its namespace or its account.

    A review, or a list of all namespaces, has neither: those are shown.
    """
    about = event.get("objectRef", {})
    # The request that makes a namespace is sent to none.
    is_namespace = about.get("resource") == "namespaces"
    users = (event["user"], event.get("impersonatedUser", {}))
    names = [user.get("username", "") for user in users]
    places = (
        os.environ.get("NAMESPACE", ""),
        about.get("namespace") or about.get("name", "") * is_namespace,
        *(name.removeprefix(ACCOUNT).partition(":")[0] for name in names),
    )
    topic, *namespaces = (re.sub(r"-\d+$", "", place) for place in places)
    return not {lesson.topic for lesson in lessons()}.isdisjoint(
        {*namespaces} - {topic}
    )


def _show(lines: list[str] | None) -> None:
    from IPython.display import display

    if text := "\n".join(lines or ()):
        html = f'<pre style="{_STYLE}; white-space: pre-wrap">{escape(text)}</pre>'
        display({"text/plain": text, "text/html": html}, raw=True)
