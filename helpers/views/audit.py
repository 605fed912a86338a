"""Read the requests of a block from the audit log of the cluster's API server."""

import json
import uuid
from collections.abc import Callable
from typing import TypeVar

import pandas as pd

from cluster import waiting
from cluster.machine import audit
from helpers import errors
from helpers.api.caller import Caller
from helpers.command import backend_in_use, kubeconfig_in_use, time_limit
from helpers.language import say

Made = TypeVar("Made")

#: seconds until a request must be in the log
IN_LOG = 10.0
COLUMNS = (
    "TIME",
    "VERB",
    "RESOURCE",
    "NAMESPACE",
    "NAME",
    "USER",
    "AGENT",
    "CODE",
    "MS",
)
#: errors from events of an unexpected shape
_ODD = ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError
#: two requests with this path mark the begin and the end of a block
_MARK = "/version?audit-mark="


def audit_log() -> "AuditLog":
    """Open a log of the requests that the API server answers from now on.

    `log.stop()` has a row per request; those of the cluster's own components are left
    out. Raise NotConnected before `connect()`, LabError on an existing cluster,
    whose log is for those who run it.
    """
    return AuditLog()


class AuditLog:
    """The requests that an API server received between two moments.

    Two notebooks on one cluster see each other's requests; NAMESPACE tells them apart.
    A watch that began before does not count.
    """

    def __init__(self) -> None:
        if not backend_in_use().audit_log():
            message = say("The API server writes no audit log: it started without one.")
            hint = say("Stop the cluster and start it; on kind, delete it first.")
            raise errors.LabError(message, hint)
        self._first = _mark()

    def stop(self) -> pd.DataFrame:
        """Return a row per request until now, in the order in which they came.

        RESOURCE is the resource with its group and subresource, or else the path; AGENT
        is the program; MS is empty while a request is open, such as a watch. Raise
        LabError if the log has been cut since.
        """
        return self.read(_frame)

    def read(self, make: Callable[[list[dict]], Made]) -> Made:
        """Return what `make` makes of the events until now, one per request.

        As the log has them, oldest first; those of components are left out. Raise
        LabError as `stop` does.
        """
        try:
            return make(_requests(_events_between(self._first, _mark())))
        except _ODD:
            message = say("The audit log is damaged: a pod may have written to it.")
            raise errors.LabError(message, say("Run the block again.")) from None

    def __repr__(self) -> str:
        return say("AuditLog (open)")


def _mark() -> str:
    """Send a request that can be found in the log, and return its path."""
    path = f"{_MARK}{uuid.uuid4().hex}"
    Caller.from_kubeconfig(kubeconfig_in_use()).get(path)
    return path


def _events_between(first: str, last: str) -> list[dict]:
    """Return the events between two marks, without requests received before."""
    seconds = time_limit(IN_LOG)

    def text_before() -> str:
        before, mark, _ = backend_in_use().audit_log().partition(last)
        return before if mark else ""

    text = waiting.poll(text_before, seconds)
    if not text:
        what = say("The last request of this block in the audit log")
        raise errors.NotReady(what, seconds, say("earlier ones, or none"))
    *lines, _ = text.splitlines()
    begin = next((n for n, line in enumerate(lines) if first in line), None)
    if begin is None:
        message = say(
            "The audit log does not reach back to the beginning of this block."
        )
        size = say("It keeps the last 10 MB at least: make the block smaller.")
        raise errors.LabError(message, size)
    opening, *events = (json.loads(line) for line in lines[begin:])
    since = opening["requestReceivedTimestamp"]
    return [event for event in events if event["requestReceivedTimestamp"] >= since]


def _requests(events: list[dict]) -> list[dict]:
    # A watch has an event at its start, and one more at its end.
    latest = {
        event["auditID"]: event
        for event in events
        if _MARK not in event["requestURI"] and not _is_component(event["user"])
    }
    return sorted(latest.values(), key=lambda event: event["requestReceivedTimestamp"])


def _frame(events: list[dict]) -> pd.DataFrame:
    frame = pd.DataFrame(map(_row, events), columns=COLUMNS)
    frame["TIME"] = pd.to_datetime(frame["TIME"], utc=True)
    return frame.astype({"CODE": "Int64", "MS": "Float64"})


def _is_component(user: dict) -> bool:
    groups = user.get("groups", ())
    return user.get("username") in audit.USERS or bool({*groups} & {*audit.GROUPS})


def _row(event: dict) -> tuple:
    about = event.get("objectRef", {})
    return (
        event["requestReceivedTimestamp"],
        event["verb"],
        _resource(about) or event["requestURI"].partition("?")[0],
        about.get("namespace", ""),
        about.get("name", ""),
        _user(event),
        # `kubectl/v1.37.2 (linux/amd64) …`
        event.get("userAgent", "").partition(" ")[0],
        event.get("responseStatus", {}).get("code"),
        _milliseconds(event),
    )


def _user(event: dict) -> str:
    """Return the user, and the impersonated user (`kubectl --as`)."""
    names = (event["user"], event.get("impersonatedUser"))
    return " as ".join(who.get("username", "") for who in names if who)


def _resource(about: dict) -> str:
    """Return `deployments.apps/scale`, as kubectl writes it."""
    parts = (about.get("resource"), about.get("apiGroup"))
    name = ".".join(part for part in parts if part)
    return "/".join(part for part in (name, about.get("subresource")) if part)


def _milliseconds(event: dict) -> float | None:
    if event["stage"] == "ResponseStarted":
        return None
    began, ended = event["requestReceivedTimestamp"], event["stageTimestamp"]
    taken = pd.Timestamp(ended) - pd.Timestamp(began)
    return round(taken.total_seconds() * 1000, 1)
