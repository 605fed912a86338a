"""Measure how the cost grows with the number of clusters on one machine.

Each has a state directory of its own, as for the learners of a class on one server,
and a pod. A page that all of them have of the same program counts once (PSS).

Usage: `python benchmarks/growth.py [--at 1 2 5 10] [--seconds 30]`; Ctrl-C ends all.
"""

import argparse
import concurrent.futures
import tempfile
import time
from pathlib import Path

import psutil
import start
from parts import figures, resources

from cluster.local.backend import Local

#: seconds until what a start has begun is done
SETTLED = 10.0
#: bytes that have to be free for one more cluster, and the machine's own needs
ROOM = 2e9


def measure(backends: list[Local], seconds: float) -> tuple[float, float]:
    """Return the memory of all, and their share of a core."""
    time.sleep(SETTLED)
    pids = [pid for backend in backends for pid in resources.pids_of(backend.state)]
    idle = sum(resources.cpu(pids, seconds).values())
    return sum(resources.memory(pids).values()), idle


def grow(directory: Path, sizes: list[int], seconds: float) -> list[tuple]:
    """Start one after the other; return what there was at each size."""
    backends: list[Local] = []
    lines: list[tuple] = []
    try:
        for size in sizes:
            while len(backends) < size:
                if psutil.virtual_memory().available < ROOM:
                    figures.say(f"no memory for more than {len(backends)}")
                    return lines
                backends.append(Local(directory / str(len(backends))))
                took = start.start(backends[-1], "first")
                figures.say(f"cluster {len(backends)}: {took[start.POD]:.1f} s")
            lines.append((size, took[start.POD], *measure(backends, seconds)))
    finally:
        figures.say("removing them")
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(Local.delete, backends))
    return lines


def table(lines: list[tuple]) -> str:
    """Return what the lines say of each cluster, beside one alone."""
    _, alone, least, quiet = lines[0]
    rows = [
        [str(size), f"{took:.1f}", f"{took / alone:.2f}"]
        + [f"{used:.0f}", f"{used / size:.0f}", f"{used / size / least:.2f}"]
        + [f"{100 * idle:.1f}", f"{100 * idle / size:.1f}"]
        + [f"{idle / size / quiet:.2f}"]
        for size, took, used, idle in lines
    ]
    head = ["clusters", "last one's first pod, s", "x one", "memory (PSS), MB", "each"]
    head += ["x one", "idle CPU, % of a core", "each", "x one"]
    return figures.markdown(head, rows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--at", type=int, nargs="+", default=[1, 2, 5, 10])
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args()
    figures.begin("Several clusters")
    with tempfile.TemporaryDirectory(prefix="growth-") as directory:
        if lines := grow(Path(directory), sorted(set(options.at)), options.seconds):
            print(table(lines))


if __name__ == "__main__":
    main()
