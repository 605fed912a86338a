"""Become a program that the kernel ends together with the process that started it.

A script of its own with the standard library alone: `python -IS leash.py PID PROGRAM
ARGUMENT...`. PID is the process that starts it; the thread that does has to stay as
long as the program.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Put the leash on and become the program, under the same pid."""
    parent, *command = sys.argv[1:]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # It may have ended before the kernel knew that we want to end with it.
    if os.getppid() != int(parent):
        return 1
    try:
        os.execv(command[0], command)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return 127


if __name__ == "__main__":
    sys.exit(main())
