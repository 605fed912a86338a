"""Compare with what else gives a Kubernetes API on this machine, in the same run.

local          this suite's cluster: every pod is real
control-plane  this suite's backend without a node (LAB_NODE=none)
envtest        etcd and kube-apiserver, as tests of controllers start them; no nodes

All of them run the same etcd and kube-apiserver. envtest is built from its Go module on
the first run, into `peers` of the cache directory. cluster/docs/performance.md has
figures of others, which want a container engine or are of another kind.

Usage: `python benchmarks/peers.py [--runs 3]`
"""

import argparse
import os
import signal
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import start
from parts import figures, resources

from cluster import paths, programs
from cluster.controlplane.backend import ControlPlane
from cluster.local.backend import Local
from cluster.programs import golang
from cluster.progress import Silent

CONTROLLER_RUNTIME = "v0.25.2"
SOURCE = Path(__file__).parent / "parts" / "envtest.go"
MEMORY = "PSS, MB"
COLUMNS = (start.ANSWER, start.NODE, start.POD, MEMORY)
#: seconds that a peer may take to end, before it is killed
LAST = 20.0


def program() -> Path | None:
    """Return envtest, built if it is missing; None, and a word, without Go."""
    built = paths.cache_dir() / "peers" / "envtest"
    go = golang.find()
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


def measure_local(place: Path) -> dict[str, float]:
    """Start the cluster of this suite; its pod is real."""
    backend = Local(place / "state")
    try:
        results = start.start(backend, "first")
        return results | {MEMORY: pss_megabytes(resources.pids_of(backend.state))}
    finally:
        backend.delete()


def measure_control_plane(place: Path) -> dict[str, float]:
    """Start etcd, API server, controllers and scheduler of this suite."""
    backend = ControlPlane(place / "state")
    called = time.time()
    up = start.run_in_background(lambda: backend.up(Silent()))
    try:
        api = start.client(backend.state, called, up)
        answered = start.wait_until(lambda: start.is_serving(api), up) - called
        up.result()
        return {
            start.ANSWER: answered,
            MEMORY: pss_megabytes(resources.pids_of(backend.state)),
        }
    finally:
        backend.delete()


def measure_envtest(place: Path) -> dict[str, float]:
    """Start what tests of controllers have; it says itself when it answers."""
    command = [program(), programs.find()]
    env = {**os.environ, "TMPDIR": str(place)}
    began = time.time()
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE) as process:
        try:
            if not process.stdout.readline():
                raise SystemExit("envtest did not start")
            answered = time.time() - began
            return {
                start.ANSWER: answered,
                MEMORY: pss_megabytes(resources.family(process.pid)),
            }
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(LAST)


def pss_megabytes(pids: list[int]) -> float:
    """Return the proportional megabytes of processes."""
    return sum(resources.memory(pids).values())


RUN = {
    "local": measure_local,
    "control-plane": measure_control_plane,
    "envtest": measure_envtest,
}


def run_round(names: list[str]) -> dict[str, dict[str, float]]:
    """Run every peer once, one after the other; return the figures by peer."""
    results = {}
    for name in names:
        with tempfile.TemporaryDirectory(prefix="peer-") as place:
            results[name] = RUN[name](Path(place))
    return results


def table(rounds: list[dict[str, dict[str, float]]]) -> str:
    """Return medians, each with how many times ours it is where both have one."""

    def cell(name: str, column: str) -> str:
        local_values, values = (
            [run[peer][column] for run in rounds if column in run[peer]]
            for peer in ("local", name)
        )
        if not values:
            return ""
        value = statistics.median(values)
        text = f"{value:.0f}" if value >= 100 else f"{value:.1f}"
        return f"{text} ({value / statistics.median(local_values):.1f} x)"

    rows = [[name, *(cell(name, column) for column in COLUMNS)] for name in rounds[0]]
    seconds = [f"{column}, s" for column in COLUMNS[:-1]]
    return figures.markdown(["cluster", *seconds, MEMORY], rows)


def main() -> None:
    """Build what is missing, run all in turns, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    os.environ["LAB_NODE"] = "none"
    names = [name for name in RUN if name != "envtest" or program()]
    figures.begin("Peers")
    print(table(figures.repeat(options.runs, lambda: run_round(names))))


if __name__ == "__main__":
    main()
