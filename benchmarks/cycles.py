"""Start and stop a cluster many times, and see what is left, lost or grows.

Each cycle is `up`, one ConfigMap, `stop`, as a learner does day after day. After each
`stop` no process and no mount may be left; in the end all objects must be there. The
ratio says whether the last starts take longer than the first.

Usage: `python benchmarks/cycles.py [--runs 50]`
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from parts.figures import goal, surroundings

from cluster.local import identity
from cluster.local.backend import Local
from cluster.local.machine import Machine


def mounts(directory: str) -> int:
    """Return how many mounts are below a directory."""
    return Path("/proc/self/mountinfo").read_text().count(f" {directory}/")


def size(directory: Path) -> float:
    """Return the MB on the disk below a directory."""
    found = subprocess.run(["du", "-sk", directory], capture_output=True, text=True)
    return int(found.stdout.split()[0]) / 1e3


def kubectl(backend: Local, *words: str) -> str:
    """Run kubectl as the learner's shell does; return what it prints."""
    command = [f"{backend.binaries()}/kubectl", "--kubeconfig", backend.kubeconfig]
    return subprocess.run(
        [*command, *words], check=True, capture_output=True, text=True
    ).stdout


def cycle(backend: Local, number: int) -> tuple[float, float, int]:
    """Do one; return the seconds of `up` and `stop`, and how many processes it left."""
    began = time.monotonic()
    backend.up()
    up = time.monotonic() - began
    kubectl(backend, "create", "configmap", f"cycle-{number}")
    pid = Machine(backend.state).pid()
    alive = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    began = time.monotonic()
    backend.stop()
    stop = time.monotonic() - began
    left = [process for process in alive if process.is_running()]
    return up, stop, len(left) + len(identity.processes(backend.state))


def main() -> None:
    """Run the cycles and print a line for each; exit code 1 if anything was left."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cycles-") as directory:
        backend = Local(Path(directory, "state"))
        ups, sizes, bad = [], [], 0
        try:
            for number in range(given.runs):
                up, stop, left = cycle(backend, number)
                left += mounts(directory)
                bad += left
                ups.append(up)
                sizes.append(size(backend.state))
                print(
                    f"{number + 1:3} up {up:5.1f} s, stop {stop:5.1f} s, "
                    f"{sizes[-1]:6.1f} MB, {left} left over",
                    flush=True,
                )
            backend.up()
            names = kubectl(backend, "get", "configmaps", "-o", "name").split()
            wanted = {f"configmap/cycle-{number}" for number in range(given.runs)}
            lost = len(wanted - set(names))
        finally:
            backend.delete()
    # The first start makes everything.
    early, late = ups[1 : 1 + given.runs // 3], ups[-(given.runs // 3) :]
    print(f"\n{given.runs} cycles, {surroundings()}: {bad} left over, {lost} lost")
    if early:
        ratio = statistics.median(late) / statistics.median(early)
        goal("the last starts to the first", ratio, "<= 1.5")
        growth = (sizes[-1] - sizes[1]) / (given.runs - 2)
        goal("MB that a cycle adds to the state directory", growth, "<= 1.0")
    sys.exit(int(bool(bad or lost)))


if __name__ == "__main__":
    main()
