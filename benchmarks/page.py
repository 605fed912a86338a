"""Measure what takes some minutes and print it as one page; `make bench`.

Cold starts and starts after `stop` take turns; the floor of each is in its own round.
What takes longer, and what wants programs that may not be here, is named in the end.

Usage: `python benchmarks/page.py [--runs 5]`
"""

import argparse

import idle
import start
from parts import figures

ELSEWHERE = {
    "benchmarks/peers.py": "what else gives a Kubernetes API, built on demand",
    "benchmarks/growth.py": "1, 2, 5 and 10 clusters on one machine: five minutes",
    "-m tools.chapter": "every notebook; it says how long each takes",
}


def main() -> None:
    """Measure and print; what it is at goes to stderr."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    figures.begin("Benchmarks")
    print("## Start\n")
    start.show(figures.repeat(runs, start.run))
    figures.say("a cluster with nothing to do, for a minute")
    print(f"\n## Two pods, idle\n\n{idle.measure(60)}\n\n## Not run here\n")
    for command, what in ELSEWHERE.items():
        print(f"- `python {command}`: {what}")


if __name__ == "__main__":
    main()
