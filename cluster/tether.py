"""Run a program that must not outlive the process that asked for it.

A script of its own with the standard library alone: `python -IS tether.py PID
PROGRAM ARGUMENT...`. Leads a process group; when process PID is gone, by whatever
signal, the kernel tells this one and it kills the whole group. Ends with the
program's exit code, or 128 plus the number of the signal that ended it.
"""

import ctypes
import os
import signal
import subprocess
import sys

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _end_group(*_: object) -> None:
    os.killpg(0, signal.SIGKILL)


def main() -> int:
    """Start the program and wait for it, or end all when the asker has gone."""
    asker, *command = sys.argv[1:]
    signal.signal(signal.SIGTERM, _end_group)
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    # The asker may have ended before the kernel knew that we want to hear of it.
    if os.getppid() != int(asker):
        _end_group()
    child = subprocess.Popen(
        command,
        # One thread here, so that running code between fork and exec is safe.
        preexec_fn=lambda: _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0),
    )
    code = child.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
