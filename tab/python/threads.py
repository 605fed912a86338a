"""Threads that take turns: each is a stack that rests while it waits for a Promise.

One runs at a time, until it waits or ends; nothing interrupts one that computes. The
calls of `threading` to the system are here: to start and to join a thread, and locks
whose waiting lets the others go on. Its own classes do the rest.
"""

import itertools
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import js
from pyodide.ffi import create_proxy

from tab.python import doors

_idents = itertools.count(doors.VIEWS + 1)
#: by thread, how many calls the learner had stopped when its start was asked for
_stops: dict[int, int] = {}


class Lock:
    """A lock, as `threading.Lock`."""

    def __init__(self) -> None:
        self._is_locked = False
        self._waiting: list[Any] = []

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Wait for the lock; return whether it is had, without waiting or in time."""
        end = time.monotonic() + timeout if timeout >= 0 else None
        while self._is_locked:
            left = None if end is None else end - time.monotonic()
            if not blocking or (left is not None and left <= 0):
                return False
            self._wait(left)
        self._is_locked = True
        return True

    def _wait(self, seconds: float | None) -> None:
        turn = js.Promise.withResolvers()
        self._waiting.append(turn)
        try:
            promise = turn.promise
            if seconds is not None:
                promise = js.limited(promise, seconds * 1000)
            doors.wait(promise)
        finally:
            if turn in self._waiting:
                self._waiting.remove(turn)

    def release(self) -> None:
        """Hand the lock to the longest waiter."""
        if not self._is_locked:
            raise RuntimeError("release unlocked lock")
        self._is_locked = False
        if self._waiting:
            self._waiting.pop(0).resolve(None)

    def _at_fork_reinit(self) -> None:
        """Be free: concurrent.futures names it, and a tab never forks."""
        self._is_locked = False

    def locked(self) -> bool:
        """Return whether somebody has it."""
        return self._is_locked

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class Handle:
    """A thread as `threading` asks the system for it."""

    def __init__(self) -> None:
        self.ident = next(_idents)
        self._ended = Lock()
        self._ended.acquire()

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end."""
        if self._ended.acquire(True, -1 if timeout is None else max(timeout, 0)):
            self._ended.release()

    def is_done(self) -> bool:
        """Return whether it has ended."""
        return not self._ended.locked()

    def _set_done(self) -> None:
        if self._ended.locked():
            self._ended.release()


def _start(
    function: Callable[[], None], handle: Handle | None = None, daemon: bool = True
) -> Handle:
    thread = handle or Handle()
    # Not when it begins to run: a stop of the cell that starts it may come before.
    _stops[thread.ident] = js.stopped

    def run() -> None:
        doors.current = thread.ident
        try:
            function()
        finally:
            del _stops[thread.ident]
            thread._set_done()

    js.later(create_proxy(run))
    return thread


def leave_if_stopped() -> None:
    """End the thread that runs if a call was stopped since it began.

    One that computes takes its turn from every later cell, and nothing else ends it.
    """
    if js.stopped > _stops.get(doors.current, js.stopped):
        raise SystemExit


def install() -> None:
    """Replace the system's with them."""
    module: Any = threading
    module.Lock = module._allocate_lock = Lock
    # Python's own classes on these, instead of those of C.
    module.RLock, module._CRLock = module._PyRLock, None
    module._ThreadHandle, module._start_joinable_thread = Handle, _start
    module.get_ident = lambda: doors.current
    main: Any = threading.main_thread()
    main._ident = doors.MAIN
    views: Any = threading.Thread(name="views", daemon=True)
    views._ident = doors.VIEWS
    module._active.clear()
    module._active.update({doors.MAIN: main, doors.VIEWS: views})
    module._active_limbo_lock = threading.RLock()
    main._handle = Handle()
    queues: Any = queue
    queues.SimpleQueue = queues._PySimpleQueue
