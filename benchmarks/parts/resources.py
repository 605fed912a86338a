"""Measure what processes hold and use.

Memory is proportional (PSS): a page that several processes share counts once.
"""

import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import psutil
from parts import figures

from cluster.machine import identity

#: processes that any Kubernetes API needs
FLOOR = ("kube-apiserver", "etcd")


def pids_of(state: Path) -> list[int]:
    """Return the processes of the machine of a state directory."""
    return family(identity.pid_of(state, "outer"))


def family(pid: int) -> list[int]:
    """Return a process and its descendants."""
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


def name(process: psutil.Process) -> str:
    """Return how the table calls a process; an interpreter has no name of its own."""
    process_name = process.name()
    return "python" if process_name.startswith("python") else process_name


def memory(pids: Iterable[int]) -> dict[str, float]:
    """Return the megabytes by program, the largest first."""
    held: Counter[str] = Counter()
    for process in map(psutil.Process, pids):
        try:
            held[name(process)] += process.memory_full_info().pss / 1e6
        except psutil.NoSuchProcess:
            continue  # ended just now
        except psutil.AccessDenied:
            # Our relay lets no ordinary user look into it: without what it shares.
            usage = process.memory_info()
            held[name(process)] += (usage.rss - usage.shared) / 1e6
    return dict(held.most_common())


def cpu(pids: Iterable[int], seconds: float) -> dict[str, float]:
    """Return the share of a core by program over the next seconds.

    Processes that it starts and reaps meanwhile count as its own.
    """
    before = [
        (process, name(process), cpu_seconds(process))
        for process in map(psutil.Process, pids)
    ]
    time.sleep(seconds)
    shares: Counter[str] = Counter()
    for process, called, used in before:
        shares[called] += max(0.0, cpu_seconds(process) - used) / seconds
    return dict(shares)


def cpu_seconds(process: psutil.Process) -> float:
    """Return the CPU seconds of a process and of its children that it has reaped."""
    try:
        return sum(process.cpu_times()[:4])
    except psutil.NoSuchProcess:
        return 0.0


def table(used: dict[str, float], idle: dict[str, float]) -> str:
    """Return memory and the share of a core by program, as Markdown."""

    def column(values: dict[str, float], form: str) -> list[str]:
        whole = sum(values.values())
        ratio = whole / sum(values.get(program, 0.0) for program in FLOOR)
        cells = [*(values.get(program, 0.0) for program in used), whole]
        return [*(f"{cell:{form}}" for cell in cells), f"{ratio:.2f}"]

    names = [*used, "sum", f"sum x {' and '.join(FLOOR)}"]
    shares = {program: 100 * share for program, share in idle.items()}
    rows = zip(names, column(used, ".0f"), column(shares, ".2f"), strict=True)
    return figures.markdown(["program", "PSS, MB", "CPU, % of a core"], rows)
