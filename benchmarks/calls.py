"""Measure the first answer in a fresh process, and one call in a notebook that runs.

The first is a whole process, from its start to its end, beside `kubectl get ns`, which
has its cache of discovery. The second goes over a connection that is open, beside a GET
over one of Python's own, of which nothing is decoded.

Usage: `python benchmarks/calls.py [--runs 31] [--calls 1000]`
"""

import argparse
import http.client
import os
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from parts import figures, plane

from cluster import binaries
from cluster.kubeconfig import user_access
from helpers.caller import Caller, tls_context

PATH = "/api/v1/namespaces"
FIRST = """
import sys
from pathlib import Path
from helpers.caller import Caller
server = Caller.from_kubeconfig(Path(sys.argv[1]))
for namespace in server.read("/api/v1/namespaces")["items"]:
    print(namespace["metadata"]["name"], namespace["status"]["phase"])
"""


def first_answers(kubeconfig: Path, runs: int) -> None:
    """Print how long the first answer takes, in turn with kubectl."""
    program = str(binaries.find() / "kubectl")
    # kubectl keeps its cache in HOME, and the first call fills it.
    home = {"HOME": str(kubeconfig.parent), "PATH": os.defpath}
    commands = {
        "kubectl get ns": [program, f"--kubeconfig={kubeconfig}", "get", "ns"],
        "ours": [sys.executable, "-c", FIRST, str(kubeconfig)],
        "bare Python": [sys.executable, "-c", "pass"],
    }
    found: dict[str, list[dict]] = {name: [] for name in commands}
    for number in range(runs + 1):
        for name, command in commands.items():
            run = figures.whole(command, home)
            if number:  # the first round only warms up
                found[name].append(run)
    print(f"\n{'first answer, ms':<24}{'median':>8}{'min':>8}{'max':>8}")
    show(found)
    ratio = figures.median(found["ours"]) / figures.median(found["kubectl get ns"])
    figures.goal("first answer, of kubectl get ns", ratio, "<= 2.5")


def calls(kubeconfig: Path, count: int) -> None:
    """Print how long a call takes, in turn with a raw GET."""
    access = user_access(kubeconfig)
    place = urlsplit(access.server)
    raw = http.client.HTTPSConnection(
        place.hostname, place.port, context=tls_context(access)
    )

    def raw_get() -> None:
        raw.request("GET", PATH, headers={"Accept": "application/json"})
        raw.getresponse().read()

    found: dict[str, list[dict]] = {"raw GET": [], "ours": []}
    server = Caller.from_kubeconfig(kubeconfig)
    works = {"raw GET": raw_get, "ours": lambda: server.read(PATH)}
    for number in range(count + 20):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            if number >= 20:  # the first ones open the connections
                found[name].append({"seconds": time.perf_counter() - began})
    raw.close()
    print(f"\n{'one call, ms':<24}{'median':>8}{'min':>8}{'max':>8}")
    show(found)
    ratio = figures.median(found["ours"]) / figures.median(found["raw GET"])
    figures.goal("a call, of a raw GET on an open connection", ratio, "<= 1.3")


def show(found: dict[str, list[dict]]) -> None:
    """Print median and range of each, in milliseconds."""
    for name, runs in found.items():
        ms = [run["seconds"] * 1000 for run in runs]
        middle = figures.median(runs) * 1000
        print(f"{name:<24}{middle:8.2f}{min(ms):8.2f}{max(ms):8.2f}")


def main() -> None:
    """Start an API server, and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=31)
    parser.add_argument("--calls", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="calls-") as directory:
        with plane.running(Path(directory)) as kubeconfig:
            print(figures.surroundings())
            first_answers(kubeconfig, options.runs)
            calls(kubeconfig, options.calls)


if __name__ == "__main__":
    main()
