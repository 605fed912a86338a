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
#: MB of the machine that are left alone
SPARE = 1000.0


def room(free: float, used: float, clusters: int, wanted: int) -> bool:
    """Say whether as many more as are wanted fit into what is free, in MB."""
    return free - SPARE >= (wanted - clusters) * used / max(clusters, 1)


def measure(backends: list[Local], seconds: float) -> tuple[float, float, float]:
    """Return the memory of all, their share of a core, and that of others."""
    time.sleep(SETTLED)
    pids = [pid for one in backends for pid in resources.pids_of(one.state)]
    others = resources.Others()
    idle = sum(resources.cpu(pids, seconds).values())
    share = others.share()
    used = sum(resources.memory(pids).values(), resources.Memory()).pss
    return used, idle, share


def grow(directory: Path, sizes: list[int], seconds: float) -> list[tuple]:
    """Start one after the other; return what there was at each size."""
    backends: list[Local] = []
    lines: list[tuple] = []
    used = 900.0  # of one, until it has been measured
    try:
        for size in sizes:
            free = psutil.virtual_memory().available / 1e6
            if not room(free, used, len(backends), size):
                figures.say(f"stopped before {size}: {free:.0f} MB are free")
                break
            while len(backends) < size:
                backends.append(Local(directory / str(len(backends))))
                took = start.start(backends[-1], "first")
                figures.say(f"cluster {len(backends)}: {took[start.POD]:.1f} s")
            used, idle, others = measure(backends, seconds)
            lines.append((size, took[start.POD], used, idle, others))
    finally:
        figures.say("removing them")
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(Local.delete, backends))
    return lines


def table(lines: list[tuple]) -> str:
    """Return what the lines say of each cluster, beside one alone."""
    _, alone, least, quiet, _ = lines[0]
    rows = [
        [str(size), f"{took:.1f}", f"{took / alone:.2f}"]
        + [f"{used:.0f}", f"{used / size:.0f}", f"{used / size / least:.2f}"]
        + [
            f"{100 * idle:.1f}",
            f"{100 * idle / size:.1f}",
            f"{idle / size / quiet:.2f}",
        ]
        + [f"{others:.0%}"]
        for size, took, used, idle, others in lines
    ]
    head = ["clusters", "last one's first pod, s", "x one", "memory (PSS), MB", "each"]
    head += ["x one", "idle CPU, % of a core", "each", "x one", "others, machine"]
    return figures.markdown(head, rows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--at", type=int, nargs="+", default=[1, 2, 5, 10])
    parser.add_argument("--seconds", type=float, default=30.0)
    given = parser.parse_args()
    resources.become_family()
    print(figures.heading("Several clusters"))
    with tempfile.TemporaryDirectory(prefix="growth-") as directory:
        if lines := grow(Path(directory), sorted(set(given.at)), given.seconds):
            print(table(lines))


if __name__ == "__main__":
    main()
