"""Say what a figure depends on; print figures as Markdown, each beside its floor."""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import psutil

from cluster import programs, versions

#: The share of the machine that others may use before a round counts as disturbed.
LIMIT = 0.1


def heading(title: str) -> str:
    """Return a title with the date, versions and the machine below it."""
    memory = psutil.virtual_memory().total / 1e9
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    releases = (
        f"Kubernetes {versions.KUBERNETES}, etcd {versions.ETCD}, "
        f"containerd {versions.CONTAINERD}, {go()}"
    )
    machine = (
        f"Python {platform.python_version()}, Linux {platform.release()}, "
        f"{platform.machine()}, {memory:.0f} GB, {cores} cores, load {load:.1f}"
    )
    date = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    return f"# {title}\n\n{date}; {releases}; {machine}\n"


def go() -> str:
    """Return the version of Go that made the programs."""
    kubectl = programs.find() / "kubectl"
    command = [kubectl, "version", "--client", "--output=json"]
    text = subprocess.run(command, check=True, capture_output=True).stdout
    return json.loads(text)["clientVersion"]["goVersion"]


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


def spread(title: str, rounds: list[dict[str, float]], floor: str) -> str:
    """Return a table of figures: median, least, most, and the ratio to the floor.

    The ratio is the median of those of each round: subject and floor are of one run.
    """
    rows = []
    for name in rounds[0]:
        values = [one[name] for one in rounds]
        ratio = statistics.median(one[name] / one[floor] for one in rounds)
        middle = statistics.median(values)
        rows.append(
            [name]
            + [f"{value:.2f}" for value in (middle, min(values), max(values), ratio)]
        )
    return markdown([f"{title}, s", "median", "min", "max", "x floor"], rows)


def say(text: str) -> None:
    """Tell a person who waits; the page itself is what goes to stdout."""
    print(text, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Rounds:
    """The rounds that count, and a sentence on those that do not."""

    kept: list
    note: str


def undisturbed(wanted: int, run: Callable[[], tuple[object, float]]) -> Rounds:
    """Repeat `run` until as many rounds as wanted were undisturbed by others.

    It returns what it has found and the share of the machine that others used. At most
    twice as many are run; where none is good, all count, and the note says so.
    """
    found: list[tuple[object, float]] = []
    good: list = []
    while len(good) < wanted and len(found) < 2 * wanted:
        found.append(run())
        good = [one for one, others in found if others <= LIMIT]
        say(f"round {len(found)}: others used {found[-1][1]:.0%} of the machine")
    dropped = len(found) - len(good)
    rule = f"others used more than {LIMIT:.0%} of the machine"
    if good:
        note = f"Rounds: {len(good)}; dropped, because {rule}: {dropped}."
        return Rounds(good, note)
    note = f"DISTURBED: in all {len(found)} rounds {rule}."
    return Rounds([one for one, _ in found], note)
