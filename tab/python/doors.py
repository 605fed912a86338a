"""Call the doors of the cluster's program, whose list is in doors_js.go.

A door that waits returns a Promise. Python waits for it without blocking the tab: the
cluster and the page go on in the meantime.
"""

import errno
import json
import os
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any, NoReturn

import js
from pyodide.ffi import run_sync

#: called after each wait: what programs have written in the meantime goes on its way
followers: list[Callable[[], None]] = []
#: the number of the first thread, and of the one that runs
MAIN = current = 1
#: the number of the thread that handles the messages of views
VIEWS = 2
#: when Python last went on after a wait, by time.monotonic()
resumed = 0.0
#: what the page resolves a wait with when the learner stops the cell
STOP = "stop"


class CertificateRefused(Exception):
    """A server's certificate that is refused, with OpenSSL's number."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def be(thread: int) -> None:
    """Be a thread again: a call of the page's, after others have run."""
    global current
    current = thread


def wait(promise: Any) -> Any:
    """Return what a Promise resolves to; raise KeyboardInterrupt if the cell stops."""
    global current, resumed
    thread = current
    # A cell is code of the first thread.
    can_stop = thread in (MAIN, VIEWS)
    result = run_sync(js.untilStop(promise, thread) if can_stop else promise)
    # Others have run in the meantime.
    current, resumed = thread, time.monotonic()
    for follow in tuple(followers):
        follow()
    if result == STOP:
        raise KeyboardInterrupt
    return result


def call(name: str, *values: Any) -> Any:
    """Return the result of a door that does not wait."""
    return _result(getattr(js.kubernetes.doors, name)(*values))


def ask(name: str, *values: Any) -> Any:
    """Return the result of a door that waits; raise the OSError that it reports."""
    return _result(wait(getattr(js.kubernetes.doors, name)(*values)))


def data(value: Any) -> bytes:
    """Return the bytes of a Uint8Array."""
    return value.to_bytes()


def _result(value: Any) -> Any:
    if isinstance(value, str):
        raise_problem(json.loads(value))
    return value


def raise_problem(problem: dict) -> NoReturn:
    """Raise what Python raises for a problem of doors/problem.go."""
    message = problem["Message"]
    match problem["Kind"]:
        case "timeout":
            raise TimeoutError("timed out")
        case "verify":
            raise CertificateRefused(problem["Code"])
        case "tls":
            raise ssl.SSLError(1, f"[SSL] {message.removeprefix('remote error: ')}")
        case "name":
            raise socket.gaierror(-2, "Name or service not known")
        case "closed":
            raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
    number = getattr(errno, problem.get("Name", ""), errno.EIO)
    raise OSError(number, os.strerror(number))
