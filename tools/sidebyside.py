"""Do several jobs at a time, each in a process of its own, and say how each ended."""

import multiprocessing
import signal
import sys
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection, wait
from typing import Any, cast

#: By fork, as each would import the same for seconds; not of this process, which may
#: have threads.
_PROCESSES = multiprocessing.get_context("forkserver")


def run(
    function: Callable[..., Any],
    jobs: Mapping[str, tuple],
    most: int,
    module: str = "",
) -> dict[str, Any]:
    """Call `function(*arguments)` for each job, `most` at a time, in order.

    Return the results by name; None for a job whose process died. They end with this
    process. What `module` imports is imported once for all of them.
    """
    _PROCESSES.set_forkserver_preload([module] if module else [])
    began = time.monotonic()

    def say(text: str) -> None:
        # Not to stdout, which is for data.
        print(f"[{time.monotonic() - began:5.1f} s] {text}", file=sys.stderr)

    waiting = list(jobs.items())
    running: dict[Connection, str] = {}
    results: dict[str, Any] = {}
    while waiting or running:
        while waiting and len(running) < most:
            name, arguments = waiting.pop(0)
            here, there = _PROCESSES.Pipe(duplex=False)
            _PROCESSES.Process(
                target=_work, args=(there, function, arguments), daemon=True
            ).start()
            # The only other end is the child's, so that its death is seen.
            there.close()
            running[here] = name
            say(name)
        for ready in wait(running):
            here = cast(Connection, ready)
            name = running.pop(here)
            try:
                results[name] = here.recv()
            except (EOFError, OSError):
                results[name] = None
            here.close()
            say(f"{name}: {results[name] or 'its process died'}")
    return results


def _work(
    pipe: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    # Ctrl-C is for the process that waits: it ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pipe.send(function(*arguments))
