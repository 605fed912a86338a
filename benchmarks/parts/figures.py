"""Say what a figure depends on; print figures as Markdown, each beside its floor."""

import os
import platform
import signal
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import psutil

from cluster import versions

Found = TypeVar("Found")


def begin(title: str) -> None:
    """Print a title with the date, versions and the machine below it.

    SIGTERM ends this process as Ctrl-C does: what it has started, it removes.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    memory = psutil.virtual_memory().total / 1e9
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    releases = (
        f"Kubernetes {versions.KUBERNETES}, etcd {versions.ETCD}, "
        f"containerd {versions.CONTAINERD}"
    )
    machine = (
        f"Python {platform.python_version()}, Linux {platform.release()}, "
        f"{platform.machine()}, {memory:.0f} GB, {cores} cores, load {load:.1f}"
    )
    date = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    print(f"# {title}\n\n{date}; {releases}; {machine}\n", flush=True)


def repeat(rounds: int, run: Callable[[], Found]) -> list[Found]:
    """Return what so many rounds have found; tell a person who waits of each."""
    results = []
    for number in range(1, rounds + 1):
        say(f"round {number} of {rounds}; load {os.getloadavg()[0]:.1f}")
        results.append(run())
    return results


def say(text: str) -> None:
    """Tell a person who waits; the page itself is what goes to stdout."""
    print(text, file=sys.stderr, flush=True)


def markdown(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table that can be pasted; in a terminal its columns are in line, too.

    The first column and what holds words are left-aligned, numbers to the right.
    """
    columns = list(zip(head, *rows, strict=True))
    lines = []
    for number, column in enumerate(columns):
        words = number == 0 or any(cell[:1].isalpha() for cell in column[1:])
        width = max(3, *map(len, column))
        rule = "-" * width if words else "-" * (width - 1) + ":"
        cells = [column[0], rule, *column[1:]]
        align = str.ljust if words else str.rjust
        lines.append([align(cell, width) for cell in cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in zip(*lines, strict=True))


def spread(title: str, rounds: Sequence[dict[str, float]], floor: str) -> str:
    """Return a table of figures: median, least, most, and the ratio to the floor.

    The ratio is the median of those of each round: subject and floor are of one run.
    """
    rows = []
    for name in rounds[0]:
        values = [run[name] for run in rounds]
        ratio = statistics.median(run[name] / run[floor] for run in rounds)
        cells = (statistics.median(values), min(values), max(values), ratio)
        rows.append([name, *(f"{value:.2f}" for value in cells)])
    return markdown([f"{title}, s", "median", "min", "max", "x floor"], rows)
