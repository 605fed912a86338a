"""Hear of every request that Python sends by http.client, as urllib3 does.

The Python client, requests and `Caller` all come through there. While nobody listens,
everything is as Python has made it.
"""

import http.client
import time
from collections.abc import Callable

from helpers.requestlog import Entry

Listener = Callable[[Entry], None]

_CLASS = http.client.HTTPConnection
_HOOKED = ("putrequest", "putheader", "getresponse", "close")
_ENTRY = "_wire_entry"

_listeners: list[Listener] = []
_original: dict[str, Callable] = {}


def listen(listener: Listener) -> None:
    """Call `listener` with each request from now on, as soon as it is sent."""
    _listeners.append(listener)
    if not _original:
        _original.update({name: getattr(_CLASS, name) for name in _HOOKED})
        hooks = (_putrequest, _putheader, _getresponse, _close)
        for name, hook in zip(_HOOKED, hooks, strict=True):
            setattr(_CLASS, name, hook)


def unlisten(listener: Listener) -> None:
    """Call it no more."""
    _listeners.remove(listener)
    if not _listeners and _original:
        for name, method in _original.items():
            setattr(_CLASS, name, method)
        _original.clear()


class _Body:
    """The file that an answer comes from: it counts, and knows when the end is."""

    def __init__(self, file, entry: Entry, began: float, chunked: bool) -> None:
        self._file, self._entry, self._began = file, entry, began
        self._chunked = chunked
        entry.size = 0

    def read(self, *arguments) -> bytes:
        return self._counted(self._file.read(*arguments))

    def read1(self, *arguments) -> bytes:
        return self._counted(self._file.read1(*arguments))

    def readinto(self, buffer) -> int:
        length = self._file.readinto(buffer)
        if not self._chunked:
            self._entry.size += length or 0
        return length

    def readline(self, *arguments) -> bytes:
        line = self._file.readline(*arguments)
        if not self._chunked:
            return self._counted(line)
        try:
            # The line before a chunk says how long it is.
            self._entry.size += int(line.partition(b";")[0], 16)
        except ValueError:
            pass  # the empty one at the end
        return line

    def close(self) -> None:
        _finish(self._entry, self._began)
        self._file.close()

    def __getattr__(self, name: str):
        return getattr(self._file, name)

    def _counted(self, data: bytes) -> bytes:
        if not self._chunked:
            self._entry.size += len(data)
        return data


def _putrequest(connection, method, url, *arguments, **options):
    port = "" if connection.port == connection.default_port else f":{connection.port}"
    scheme = "https" if connection.default_port == 443 else "http"
    host = f"[{connection.host}]" if ":" in connection.host else connection.host
    whole = url if "://" in url else f"{scheme}://{host}{port}{url}"
    entry = Entry(time.time(), "python", method, whole)
    setattr(connection, _ENTRY, (entry, time.monotonic()))
    _tell(entry)
    return _method("putrequest")(connection, method, url, *arguments, **options)


def _putheader(connection, header, *values):
    entry, _ = getattr(connection, _ENTRY, (None, 0))
    if entry is not None:
        entry.send(_text(header), ", ".join(_text(value) for value in values))
    return _method("putheader")(connection, header, *values)


def _getresponse(connection, *arguments, **options):
    entry, began = getattr(connection, _ENTRY, (None, 0.0))
    response = _method("getresponse")(connection, *arguments, **options)
    if entry is not None:
        setattr(connection, _ENTRY, (None, 0.0))
        entry.answered(response.status, response.reason, response.getheaders())
        if response.fp is None:
            entry.size = 0
            _finish(entry, began)
        else:
            response.fp = _Body(response.fp, entry, began, bool(response.chunked))
    return response


def _close(connection):
    entry, began = getattr(connection, _ENTRY, (None, 0.0))
    if entry is not None:
        # Before an answer came: refused, timed out, given up.
        setattr(connection, _ENTRY, (None, 0.0))
        entry.reason = "no answer"
        _finish(entry, began)
    return _method("close")(connection)


def _method(name: str) -> Callable:
    # A call that was on its way when the last listener went.
    return _original.get(name) or getattr(_CLASS, name)


def _finish(entry: Entry, began: float) -> None:
    if entry.milliseconds is None:
        entry.milliseconds = round(1000 * (time.monotonic() - began), 1)


def _tell(entry: Entry) -> None:
    for listener in (*_listeners,):
        listener(entry)


def _text(value) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
