"""Run one long program: output to a log file, progress while it runs, no orphans."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cluster import tether

#: seconds between two looks at the program
TICK = 0.2


def run(
    command: Sequence[str | Path],
    *,
    log: Path,
    output: Path,
    watch: Callable[[int], None],
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> int:
    """Run `command`; return its exit code.

    Its standard output goes to the new file `output`, its standard error is added to
    `log`. `watch` is called with the process id a few times a second. Whatever ends
    the wait (an interrupt, an error in `watch`, the death of this process) ends the
    program and all that it started.
    """
    with output.open("wb") as answer, log.open("ab") as errors:
        process = subprocess.Popen(
            [sys.executable, "-IS", tether.__file__, str(os.getpid()), *command],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=answer,
            stderr=errors,
            # Ctrl-C is for us: we decide what ends, and in which order.
            start_new_session=True,
        )
    try:
        while process.poll() is None:
            watch(process.pid)
            time.sleep(TICK)
        return process.returncode
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def tail(log: Path, lines: int = 20) -> str:
    """Return the last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
