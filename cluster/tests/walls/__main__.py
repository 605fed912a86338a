"""Print as Markdown what hostile pods get.

Usage: `python -m cluster.tests.walls ACCOUNT [SECONDS]`

ACCOUNT is "root", "one id" or "65536 ids" as root, else "me". SECONDS is how long one
kind of attempts may take.
"""

import sys

from cluster.tests.walls.cluster import running
from cluster.tests.walls.test_pods import MEANT, POSITIONS, attempts


def main() -> None:
    """Start a cluster, run the pods, print the table, remove the cluster."""
    with running(sys.argv[1]) as cluster:
        tables = attempts(cluster, *map(int, sys.argv[2:]))
    print("| what a pod tries |", " | ".join(POSITIONS), "|")
    print("| --- |", " | ".join("---" for _ in POSITIONS), "|")
    for row in tables["plain"]:
        print(f"| {row} |", " | ".join(_cell(t[row]) for t in tables.values()), "|")


def _cell(found: dict) -> str:
    meant = {
        next((m for m in MEANT if f"{g}/".startswith(f"{m}/")), g) for g in found["got"]
    }
    return f"{found['tried']} tried: {', '.join(sorted(meant)) or 'nothing'}"


if __name__ == "__main__":
    main()
