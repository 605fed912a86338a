"""Make the disks of the machines of `make machines`, and what runs on them.

For Ubuntu that is a kernel, for arm64 the programs of a cluster. It takes an hour the
first time. An interrupted run keeps what is whole and what was compiled, and the next
goes on from there.
"""

import signal
import sys
from functools import partial

import psutil

from cluster.progress import Terminal
from cluster.tests.machines import arm64, root
from cluster.tests.machines.systems import SELINUX, SERVICES, UBUNTUS

#: bytes that a machine takes, and what runs it
FREE_MEMORY = 4e9
#: name to what says why it cannot be had, and what makes it
MACHINES = {
    **{
        each.name: (root.lacks, partial(root.ensure, each))
        for each in (*UBUNTUS, SELINUX, SERVICES)
    },
    arm64.NAME: (arm64.lacks, arm64.ensure),
}


def lacks() -> str:
    """Return why this machine cannot run others, or ""."""
    free = psutil.virtual_memory().available
    if free < FREE_MEMORY:
        needed = f"a machine needs {FREE_MEMORY / 1e9:.0f} GB of memory"
        return f"{needed}, and {free / 1e9:.1f} GB are available"
    return ""


def main(names: list[str]) -> str | int:
    """Make the machines that are named, or all; return the reason if that fails."""
    if unknown := {*names} - MACHINES.keys():
        return f"unknown: {', '.join(unknown)}. Known: {', '.join(MACHINES)}."
    wanted = [MACHINES[name] for name in names or MACHINES]
    reasons = [reason for reason in (lacks(), *(why() for why, _ in wanted)) if reason]
    if reasons:
        return f"There is no machine here: {reasons[0]}."
    # So that what runs for us is ended then, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    progress = Terminal()
    try:
        for _, ensure in wanted:
            ensure(progress)
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
