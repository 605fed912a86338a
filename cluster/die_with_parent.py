"""End a program together with the process that started it, whatever ends that one.

Also a script of its own with only the standard library, for who cannot run code
between fork and exec: `python -IS die_with_parent.py PID PROGRAM ARGUMENT...` becomes
the program, under the same pid. PID is the process that starts it; the *thread* that
does has to stay as long as the program. With the option --group before PID it stays,
leads the process group, and ends the whole group with its parent: for programs that
start others. It exits as the program does, with 128 plus the number of a signal.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Ask Linux, and no other system, for a signal when the parent thread ends."""
    if sys.platform != "linux":
        return
    if _libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), "prctl")


def command(*program: str, group: bool = False, python: str = sys.executable) -> list:
    """Return the command line of a program that dies with this process."""
    if sys.platform == "emscripten":
        # A browser ends all that is in a tab together.
        return list(program)
    options = ("--group",) if group else ()
    # Isolated: the learner's Python settings are not for this.
    return [python, "-IS", __file__, *options, str(os.getpid()), *program]


def main() -> int:
    """Become the program, or the leader of its process group."""
    words = sys.argv[1:]
    group = words[0] == "--group"
    parent, *program = words[group:]
    if group:
        signal.signal(signal.SIGTERM, _end_group)
    die_with_parent(signal.SIGTERM if group else signal.SIGKILL)
    # The parent may have ended before the kernel knew that we want to end with it.
    if os.getppid() != int(parent):
        return 1
    child = os.fork() if group else 0
    if child:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return code if code >= 0 else 128 - code
    if group:
        die_with_parent()
    try:
        os.execvp(program[0], program)
    except OSError as error:
        print(f"{program[0]}: {error.strerror}", file=sys.stderr, flush=True)
        os._exit(127)


def _end_group(*_: object) -> None:
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
