"""Compare with what else gives a Kubernetes API on this machine, in the same run.

local          this suite's cluster: every pod is real
control-plane  this suite's backend without a node (LAB_NODE=none)
envtest        etcd and kube-apiserver, as tests of controllers start them; no nodes

All of them run the same etcd and kube-apiserver. envtest is built from its Go module on
the first run, into `peers` of the cache directory. Others want a container engine, or
are a different kind of cluster: what is known of them is printed with its source, and
is of another machine or day.

Usage: `python benchmarks/peers.py [--runs 3] [--only NAME …]`
"""

import argparse
import os
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import start
from parts import figures, resources

from cluster import paths, programs, versions
from cluster.controlplane.backend import ControlPlane
from cluster.local.backend import Local
from cluster.programs import golang
from cluster.progress import Silent

CONTROLLER_RUNTIME = "v0.25.2"
SOURCE = Path(__file__).parent / "parts" / "envtest.go"
ANSWER, NODE, POD, MEMORY = "API ready, s", "node Ready, s", "first pod, s", "MB"
COLUMNS = (ANSWER, NODE, POD, MEMORY)
#: seconds that a peer may take to end, before it is killed
LAST = 20.0
KWOK = "2026-11-26, on the machine of docs/performance.md; nodes and pods simulated"
TIME_TO_K8S = (
    "published: [minikube's time-to-k8s](https://github.com/kubernetes/minikube/blob/"
    "master/site/content/en/docs/benchmarks/timeToK8s/v1.36.0.md), 2025-05"
)
PROFILING = (
    "published: [k3s, resource profiling]"
    "(https://docs.k3s.io/reference/resource-profiling), with add-ons and monitoring"
)
#: not of this run
KNOWN = (
    ("kwok v0.8.0", (3.0, 3.1, 4.5, 581.0), KWOK),
    ("k3d v5.8.3", (12.7, None, 15.9, None), TIME_TO_K8S),
    ("kind v0.29.0", (14.3, None, 32.4, None), TIME_TO_K8S),
    ("minikube v1.36.0", (21.1, None, 27.6, None), TIME_TO_K8S),
    ("k3s v1.26.5", (None, None, None, 1428.0), PROFILING),
)


def program() -> Path | None:
    """Return envtest, built if it is missing; None, and a word, without Go."""
    built = paths.cache_dir() / "peers" / "envtest"
    go = golang.find(versions.GO_MINIMUM)
    if built.exists() or go is None:
        return built if built.exists() else figures.say("no envtest: there is no Go")
    figures.say("building envtest")
    env = {**golang.environment(), "GOFLAGS": "-mod=mod", "GOBIN": str(built.parent)}
    with tempfile.TemporaryDirectory(prefix="peer-") as place:
        Path(place, "main.go").write_text(SOURCE.read_text())
        for words in (
            ["mod", "init", "envtest"],
            ["get", f"sigs.k8s.io/controller-runtime@{CONTROLLER_RUNTIME}"],
            ["mod", "tidy"],
            ["install", "."],
        ):
            subprocess.run([go.path, *words], cwd=place, env=env, check=True)
    return built


def local(place: Path) -> dict[str, float]:
    """Start the cluster of this suite; its pod is real."""
    backend = Local(place / "state")
    try:
        times = start.start(backend, "first")
        found = {ANSWER: start.ANSWER, NODE: start.NODE, POD: start.POD}
        found = {column: times[name] for column, name in found.items()}
        return found | {MEMORY: held(resources.pids_of(backend.state))}
    finally:
        backend.delete()


def control_plane(place: Path) -> dict[str, float]:
    """Start etcd, API server, controllers and scheduler of this suite."""
    backend = ControlPlane(place / "state")
    called = time.time()
    up = start.background(lambda: backend.up(Silent()))
    try:
        port = backend.state / "port"
        start.until(lambda: port.exists() and port.stat().st_mtime >= called, up)
        api = start.Api(backend.state)
        answered = start.until(lambda: start.answers(api), up) - called
        up.result()
        return {ANSWER: answered, MEMORY: held(resources.pids_of(backend.state))}
    finally:
        backend.delete()


def envtest(place: Path) -> dict[str, float]:
    """Start what tests of controllers have; it says itself when it answers."""
    command = [program(), programs.find()]
    env = {**os.environ, "TMPDIR": str(place)}
    began = time.time()
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE) as process:
        try:
            if not process.stdout.readline():
                raise SystemExit("envtest did not start")
            answered = time.time() - began
            return {ANSWER: answered, MEMORY: held(resources.family(process.pid))}
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(LAST)


def held(pids: list[int]) -> float:
    """Return the proportional megabytes of processes."""
    return sum(resources.memory(pids).values())


RUN: dict[str, tuple[Callable[[Path], dict[str, float]], str]] = {
    "local": (local, "measured here"),
    "control-plane": (control_plane, "measured here; no pods"),
    "envtest": (envtest, f"measured here, {CONTROLLER_RUNTIME}; no pods"),
}


def turn(names: list[str]) -> dict[str, dict[str, float]]:
    """Run every peer once, one after the other; return the figures by peer."""
    found = {}
    for name in names:
        with tempfile.TemporaryDirectory(prefix="peer-") as place:
            found[name] = RUN[name][0](Path(place))
    return found


def table(rounds: list[dict[str, dict[str, float]]]) -> str:
    """Return medians, each with its ratio to ours where both have one."""

    def medians(name: str) -> list[float | None]:
        values = [[one[name].get(column) for one in rounds] for column in COLUMNS]
        return [None if None in one else statistics.median(one) for one in values]

    ours = medians("local") if "local" in rounds[0] else [None] * len(COLUMNS)
    found = [(name, medians(name), RUN[name][1]) for name in rounds[0]]
    rows = [
        [name, *map(with_ratio, values, ours), source]
        for name, values, source in (*found, *KNOWN)
    ]
    return figures.markdown(["cluster", *COLUMNS, "where from"], rows)


def with_ratio(value: float | None, ours: float | None) -> str:
    """Return a figure and how many times ours it is."""
    if value is None:
        return ""
    text = f"{value:.0f}" if value >= 100 else f"{value:.1f}"
    return f"{text} ({value / ours:.1f} x)" if ours else text


def main() -> None:
    """Build what is missing, run all in turns, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=RUN, default=list(RUN))
    given = parser.parse_args()
    os.environ["LAB_NODE"] = "none"
    names = [name for name in given.only if name != "envtest" or program()]
    figures.begin("Peers")
    print(table(figures.repeat(given.runs, lambda: turn(names))))


if __name__ == "__main__":
    main()
