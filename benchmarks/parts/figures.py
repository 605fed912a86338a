"""Run measurements in processes of their own, and say what they came to.

Two things that are compared run in turn, in one session: a ratio of their medians holds
also when the machine was slower for a while.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path


def child(script: str, *arguments: str) -> dict:
    """Run `script` with arguments in a fresh Python; return the JSON it prints."""
    done = subprocess.run(
        [sys.executable, script, *arguments], stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        raise SystemExit(f"{script} {' '.join(arguments)}: {done.returncode}")
    return json.loads(done.stdout)


def whole(command: list[str], environment: dict | None = None) -> dict:
    """Run a command, its output thrown away; return its seconds, as a whole process."""
    began = time.perf_counter()
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL
    ) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: {process.returncode}")
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "peak": None}


def timed(work: Callable[[], object]) -> tuple[object, dict]:
    """Call `work`; return what it returns, its seconds, and the peak of the memory.

    `cpu` is this process's time on the processor, `peak` in bytes since it began.
    """
    began, cpu = time.perf_counter(), time.process_time()
    result = work()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    return result, {"seconds": seconds, "cpu": cpu, "peak": peak()}


def peak() -> int:
    """Return the most memory that this process has held, in bytes."""
    # Not getrusage: after an exec that still counts the parent's memory.
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("this kernel does not say how much memory was used")


def median(runs: list[dict], figure: str = "seconds") -> float:
    """Return the median of a figure."""
    return statistics.median(run[figure] for run in runs)


def goal(what: str, value: float, bound: str) -> None:
    """Print a ratio beside its goal, such as `<= 0.75`."""
    sign, limit = bound.split()
    held = value <= float(limit) if sign == "<=" else value >= float(limit)
    print(f"{what:<58}{value:8.2f}  goal {bound:<8}{'reached' if held else 'MISSED'}")


def surroundings() -> str:
    """Return what a figure depends on: processors, load."""
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    return f"{cores} cores, load {load:.1f}"
