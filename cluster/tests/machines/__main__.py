"""Make the disks of Ubuntu's machines, and their kernel, for `make machines`.

It takes 40 minutes the first time. An interrupted run keeps what is whole and what
was compiled, and the next goes on from there.
"""

import signal
import sys

import psutil

from cluster.progress import Terminal
from cluster.tests.machines import root
from cluster.tests.machines.systems import UBUNTUS

#: bytes that a machine takes, and what runs it
MEMORY = 4e9


def lacks() -> str:
    """Return why Ubuntu's machines cannot run here, or ""."""
    free = psutil.virtual_memory().available
    if free < MEMORY:
        needed = f"a machine needs {MEMORY / 1e9:.0f} GB of memory"
        return f"{needed}, and {free / 1e9:.1f} GB are available"
    return root.lacks()


def main(names: list[str]) -> str | int:
    """Make the systems that are named, or all; return the reason if that fails."""
    known = {system.name: system for system in UBUNTUS}
    if unknown := {*names} - known.keys():
        return f"unknown: {', '.join(unknown)}. Known: {', '.join(known)}."
    if reason := lacks():
        return f"There is no machine here: {reason}."
    # So that what runs for us is ended then, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    progress = Terminal()
    try:
        for name in names or known:
            root.ensure(known[name], progress)
    except AssertionError as error:
        progress.leave()
        return str(error)
    except KeyboardInterrupt:
        progress.leave()
        print("Interrupted. What is whole is kept; the next run goes on from there.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
