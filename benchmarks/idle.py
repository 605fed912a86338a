"""Measure the memory and the CPU of a cluster with two pods that has nothing to do.

Usage: `python benchmarks/idle.py [--seconds 60]`
"""

import argparse
import tempfile
import time
from pathlib import Path

import start
from parts import figures, resources

from cluster.local.backend import Local

#: seconds until what a start has begun is done: leases, resyncs, garbage
SETTLED = 20.0


def measure(seconds: float) -> str:
    """Start a cluster and two pods; return a table."""
    with tempfile.TemporaryDirectory(prefix="idle-") as directory:
        backend = Local(Path(directory, "state"))
        try:
            start.start(backend, "first")
            start.next_pod(backend, "second")
            time.sleep(SETTLED)
            pids = resources.pids_of(backend.state)
            idle = resources.cpu(pids, seconds)
            return resources.table(resources.memory(pids), idle)
        finally:
            backend.delete()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    seconds = parser.parse_args().seconds
    figures.begin("Two pods, idle")
    print(measure(seconds))


if __name__ == "__main__":
    main()
