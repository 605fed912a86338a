"""Slow a cluster down: its processes run for a part of the time only."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator

import psutil

from cluster import paths
from cluster.machine import identity

#: seconds of a turn in which each process is stopped, and then goes on
TURN = 0.3


@contextlib.contextmanager
def slow_down(times: float) -> Iterator[None]:
    """Let the cluster of LAB_STATE_DIR, pods included, run for one part in `times`.

    By SIGSTOP and SIGCONT, which a process cannot notice; all go on at the end.
    """
    ended = threading.Event()
    pid = identity.pid_of(paths.state_dir(), "outer")
    assert pid, "no cluster of LAB_STATE_DIR runs"
    outer = psutil.Process(pid)
    stopped: set[int] = set()

    def send(signal_number: signal.Signals, pids: set[int]) -> None:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal_number)

    def take_turns() -> None:
        try:
            while not ended.is_set():
                with contextlib.suppress(psutil.NoSuchProcess):
                    stopped.update(one.pid for one in outer.children(recursive=True))
                send(signal.SIGSTOP, stopped)
                ended.wait(TURN * (1 - 1 / times))
                send(signal.SIGCONT, stopped)
                stopped.clear()
                ended.wait(TURN / times)
        finally:
            send(signal.SIGCONT, stopped)

    turns = threading.Thread(target=take_turns, name="slowdown", daemon=True)
    if times > 1:
        turns.start()
    try:
        yield
    finally:
        ended.set()
        if times > 1:
            turns.join()
