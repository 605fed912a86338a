"""Say what a measurement depends on, and print it beside its goal."""

import os


def goal(what: str, value: float, bound: str) -> None:
    """Print a ratio beside its goal, such as `<= 0.75`."""
    sign, limit = bound.split()
    held = value <= float(limit) if sign == "<=" else value >= float(limit)
    print(f"{what:<58}{value:8.2f}  goal {bound:<8}{'reached' if held else 'MISSED'}")


def surroundings() -> str:
    """Return what a figure depends on: processors, load."""
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    return f"{cores} cores, load {load:.1f}"
