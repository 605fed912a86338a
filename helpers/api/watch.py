"""Follow a resource in a thread, as an informer of a client library does.

List once, then handle every change. After a break, resume from the last version; list
again only if the server no longer knows that version.
"""

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlencode

import httpx

from cluster.waiting import PASSING
from helpers import errors
from helpers.api.caller import Caller, Reply
from helpers.language import say

#: seconds until the server ends a watch by itself; client-go asks for 5 to 10 minutes
WATCH = 300
#: Seconds of silence. The server sends a bookmark each minute, so a connection that is
#: silent for longer is dead.
SILENCE = 90.0
#: seconds before another try, doubled each time
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 3.0
#: seconds to wait for the thread to stop
STOP = 2.0
#: objects per page of the first list
PAGE = 500
#: events that the server does not send: ours, about the connection
LISTED, RECONNECTED, BROKEN, REFUSED = "LISTED", "RECONNECTED", "BROKEN", "REFUSED"
#: the server no longer knows the version
_GONE = 410


class Event(NamedTuple):
    """An event of a watch, and its time.

    `type` is the server's ADDED, MODIFIED, DELETED or BOOKMARK, with the object (or a
    Table of one row); or LISTED with one page of a list; RECONNECTED; BROKEN or REFUSED
    with `object["message"]`. A `first` page voids the pages of a list that broke off.
    """

    type: str
    object: dict
    at: datetime
    first: bool = False


class Watch:
    """A thread that follows the resource at `path` and passes on every Event.

    `handle` is called in that thread and must be quick. The same as `kubectl get
    --watch --output-watch-events`, but it survives a restart of the API server.
    """

    def __init__(
        self,
        caller: Caller,
        path: str,
        handle: Callable[[Event], None],
        *,
        accept: str = "application/json",
    ) -> None:
        self._caller, self._path, self._handle = caller, path, handle
        self._headers = {"Accept": accept}
        self._version = ""
        self._let_in = False
        self._ended = threading.Event()
        self._answer: Reply | None = None
        self._thread = threading.Thread(target=self._run, daemon=True, name="watch")

    def start(self) -> "Watch":
        """Begin to list and to watch; return at once."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End the connection and the thread; wait up to STOP seconds.

        A thread that is still connecting ends later, and reports nothing more.
        """
        self._ended.set()
        answer = self._answer
        if answer is not None and not answer.is_closed:
            # Shutdown wakes a read that waits; close does not, and may wait itself.
            connection = answer.extensions["network_stream"].get_extra_info("socket")
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(STOP)

    @property
    def running(self) -> bool:
        """Return whether the thread is alive."""
        return self._thread.is_alive()

    def _run(self) -> None:
        pause, broken = FIRST_PAUSE, False
        while not self._ended.is_set():
            try:
                for event in self._events(again=broken):
                    pause, broken = FIRST_PAUSE, False
                    self._pass_on(event)
                # The server closed the watch normally: resume from the last version.
                continue
            except _Gone:
                self._version = ""
                continue
            except errors.ApiError as error:
                # A server that has just started knows no roles yet, and refuses a
                # user who watched before. A user who could only list may not watch.
                if not self._let_in and error.status not in PASSING:
                    self._report(REFUSED, str(error))
                    return
                reason = str(error)
            except (errors.LabError, httpx.HTTPError, OSError) as error:
                reason = str(error)
            except ValueError:
                # Cut off in the middle of a line.
                reason = say("the connection was cut off")
            if not broken and not self._ended.is_set():
                self._report(BROKEN, reason)
            broken = True
            self._ended.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _events(self, *, again: bool) -> Iterator[Event]:
        if not self._version:
            for number, page in enumerate(self._pages()):
                yield Event(LISTED, page, datetime.now(UTC), number == 0)
        query = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(WATCH),
        }
        with self._open(query) as answer:
            self._let_in = True
            if again:
                yield Event(RECONNECTED, {}, datetime.now(UTC))
            for line in _lines(answer):
                document = json.loads(line)
                yield self._take(document["type"], document["object"])

    def _take(self, kind: str, content: dict) -> Event:
        if kind == "ERROR":
            if content.get("code") == _GONE:
                raise _Gone
            raise errors.ApiError(
                "GET", self._path, content.get("code", 500), json.dumps(content)
            )
        self._version = _version(content) or self._version
        return Event(kind, content, datetime.now(UTC))

    def _pages(self) -> Iterator[dict]:
        token = ""
        while True:
            more = {"continue": token} if token else {}
            with self._open({"limit": str(PAGE), **more}) as answer:
                page = json.loads(answer.read())
            metadata = page.get("metadata", {})
            yield page
            token = metadata.get("continue", "")
            if not token:
                # The pages share a version; before the last, the list is not complete.
                self._version = metadata.get("resourceVersion", "")
                return

    def _open(self, query: dict[str, str]) -> Reply:
        path = f"{self._path}?{urlencode(query)}"
        answer = self._caller.stream(path, headers=self._headers, silence=SILENCE)
        self._answer = answer
        if self._ended.is_set():
            answer.close()
            raise errors.Unreachable(self._caller.server, "stopped")
        if answer.status >= 400:
            answer.read()
            if answer.status == _GONE:
                raise _Gone
            raise errors.ApiError("GET", self._path, answer.status, answer.text)
        return answer

    def _pass_on(self, event: Event) -> None:
        if not self._ended.is_set():
            self._handle(event)

    def _report(self, kind: str, message: str) -> None:
        self._pass_on(Event(kind, {"message": message}, datetime.now(UTC)))


class _Gone(Exception):
    """The server no longer knows the version to go on from (410)."""


def _lines(answer: Reply) -> Iterator[bytes]:
    """Yield each complete line at once; drop an incomplete last line."""
    rest = b""
    for chunk in answer.iter_bytes():
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line for line in whole if line)


def _version(content: dict) -> str:
    """Return the resourceVersion of an object, or of the row of a Table."""
    metadata = content.get("metadata", {})
    if content.get("kind") == "Table":
        for row in content.get("rows") or ():
            metadata = row.get("object", {}).get("metadata", {})
    return metadata.get("resourceVersion", "")
