"""Measure what takes some minutes and print it as one page; `make bench`.

Cold starts and starts after `stop` take turns; the floor of each is in its own round.

Usage: `python benchmarks/page.py [--runs 5]`
"""

import argparse

import idle
import start
from parts import figures


def main() -> None:
    """Measure and print; what it is at goes to stderr."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    figures.begin("Benchmarks")
    print(f"## Start\n\n{start.measure(runs)}\n")
    figures.say("a cluster with nothing to do, for a minute")
    print(f"## Two pods, idle\n\n{idle.measure(60)}\n")
    print("cluster/docs/performance.md names the programs that measure more.")


if __name__ == "__main__":
    main()
