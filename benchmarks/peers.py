"""Compare with what else gives a Kubernetes API on this machine, in the same run.

local          this suite's cluster: every pod is real
control-plane  this suite's backend without a node (LAB_NODE=none)
envtest        etcd and kube-apiserver, as tests of controllers start them; no nodes
kwok           a control plane whose nodes and pods are simulated

All of them run the same etcd and kube-apiserver. kwok and envtest are built from their
Go modules on the first run, into `peers` of the cache directory; `--no-build` leaves
out what is not there. Others want a container engine, or their modules could not be
fetched: what is published of them is printed with its source, and is of another
machine.

Usage: `python benchmarks/peers.py [--runs 3] [--only NAME …] [--no-build]`
"""

import argparse
import contextlib
import os
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import start
from parts import figures, resources

from cluster import paths, programs, versions
from cluster.controlplane.backend import ControlPlane
from cluster.local.backend import Local
from cluster.machine import ports
from cluster.programs import golang
from cluster.progress import Silent

KWOK = "v0.8.0"
CONTROLLER_RUNTIME = "v0.25.2"
ENVTEST = Path(__file__).parent / "parts" / "envtest.go"
ANSWER, NODE, POD, MEMORY = "API ready, s", "node Ready, s", "first pod, s", "MB"
#: seconds that a peer may take to end, before it is killed
LAST = 20.0
#: kwok listens on all addresses unless told otherwise
LOOPBACK = """\
kind: KwokctlConfiguration
apiVersion: config.kwok.x-k8s.io/v1alpha1
options:
  bindAddress: 127.0.0.1
"""
TIME_TO_K8S = (
    "published: [minikube's time-to-k8s](https://github.com/kubernetes/minikube/blob/"
    "master/site/content/en/docs/benchmarks/timeToK8s/v1.36.0.md), 2025-05"
)
PROFILING = (
    "published: [k3s, resource profiling]"
    "(https://docs.k3s.io/reference/resource-profiling), with add-ons and monitoring"
)
#: Of other machines: seconds until the API answered and an application ran, and MB.
PUBLISHED = (
    ("k3d v5.8.3", 12.7, 15.9, None, TIME_TO_K8S),
    ("kind v0.29.0", 14.3, 32.4, None, TIME_TO_K8S),
    ("minikube v1.36.0", 21.1, 27.6, None, TIME_TO_K8S),
    ("k3s v1.26.5", None, None, 1428.0, PROFILING),
)


def directory() -> Path:
    """Return where the peers' programs are."""
    return paths.cache_dir() / "peers"


def build(names: list[str]) -> None:
    """Build what is missing; say so if it cannot be had."""
    go = golang.find(versions.GO_MINIMUM)
    for name in names:
        if not WANTS[name] or (directory() / name).exists():
            continue
        figures.say(f"building {name}")
        if go is None:
            figures.say(f"no {name}: there is no Go")
        elif (code := _build(go, name)) != 0:
            figures.say(f"no {name}: `go` ended with {code}")


def _build(go: golang.Go, name: str) -> int:
    env = {**golang.environment(), "GOFLAGS": "-mod=mod", "GOBIN": str(directory())}
    with tempfile.TemporaryDirectory(prefix="peer-") as place:
        source = Path(place, "main.go")
        source.write_text(ENVTEST.read_text())
        for words in WANTS[name]:
            command = [go.path, *words]
            code = subprocess.run(command, cwd=place, env=env).returncode
            if code:
                return code
    return 0


#: The commands of Go that make each; without any, it is ours.
WANTS: dict[str, list[list[str]]] = {
    "local": [],
    "control-plane": [],
    "envtest": [
        ["mod", "init", "envtest"],
        ["get", f"sigs.k8s.io/controller-runtime@{CONTROLLER_RUNTIME}"],
        ["mod", "tidy"],
        ["install", "."],
    ],
    "kwok": [
        ["install", f"sigs.k8s.io/kwok/cmd/kwokctl@{KWOK}"],
        ["install", f"sigs.k8s.io/kwok/cmd/kwok@{KWOK}"],
    ],
}


def local(place: Path) -> dict[str, float]:
    """Start the cluster of this suite; its pod is real."""
    backend = Local(place / "state")
    try:
        times = start.start(backend, "first")
        return {
            ANSWER: times[start.ANSWER],
            NODE: times[start.NODE],
            POD: times[start.POD],
            MEMORY: held(resources.pids_of(backend.state)),
        }
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
        api = start.Api.of(backend.state)
        answered = start.until(lambda: start.answers(api), up) - called
        up.result()
        return {ANSWER: answered, MEMORY: held(resources.pids_of(backend.state))}
    finally:
        backend.delete()


def envtest(place: Path) -> dict[str, float]:
    """Start what tests of controllers have; it says itself when it answers."""
    began = time.time()
    command = [directory() / "envtest", programs.find()]
    env = {**os.environ, "TMPDIR": str(place)}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE) as process:
        try:
            if not process.stdout.readline():
                raise SystemExit("envtest did not start")
            answered = time.time() - began
            return {ANSWER: answered, MEMORY: held(resources.family(process.pid))}
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(LAST)


def kwok(place: Path) -> dict[str, float]:
    """Start kwok's control plane; make a node and a pod that it simulates."""
    port = free_port()
    with kwokctl(place, port) as (pki, pids, began):
        start.until(lambda: (pki / "admin.key").exists())
        api = start.Api(port, pki, "admin")
        answered = start.until(lambda: start.answers(api))
        metadata = {"name": "node", "annotations": {"kwok.x-k8s.io/node": "fake"}}
        node = {"apiVersion": "v1", "kind": "Node", "metadata": metadata}
        start.until(lambda: api.ask("POST", "/api/v1/nodes", node)[0] == 201)
        up = start.until(lambda: start.ready(api.get("/api/v1/nodes/node")))
        start.until(lambda: start.create(api, "first"))
        ran = start.until(lambda: start.ready(api.get(f"{start.PODS}/first")))
        times = {ANSWER: answered - began, NODE: up - began, POD: ran - began}
        return {**times, MEMORY: held(pids())}


@contextlib.contextmanager
def kwokctl(place: Path, port: int) -> Iterator[tuple[Path, Callable, float]]:
    """Run it with our binaries; yield its keys, its processes, and when it began."""
    ours = programs.find()
    env = {
        **os.environ,
        "HOME": str(place),
        "KWOK_WORKDIR": str(place),
        "PATH": f"{ours}:{os.environ['PATH']}",
    }
    command = [directory() / "kwokctl", "--name=peer"]
    command.append(f"--config={place / 'kwok.yaml'}")
    names = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
    flags = [f"--{name}-binary={ours / name}" for name in names]
    flags += [f"--kwok-controller-binary={directory() / 'kwok'}", "--runtime=binary"]
    flags += [f"--kube-apiserver-port={port}", f"--kubeconfig={place / 'kubeconfig'}"]
    folder = place / "clusters" / "peer"

    def pids() -> list[int]:
        return [int(file.read_text()) for file in folder.glob("pids/*.pid")]

    (place / "kwok.yaml").write_text(LOOPBACK)
    with open(place / "log", "w") as log:
        began = time.time()
        creating = subprocess.Popen(
            [*command, "create", "cluster", *flags], env=env, stdout=log, stderr=log
        )
        try:
            yield folder / "pki", pids, began
        finally:
            creating.wait(start.PATIENCE)
            left = [psutil.Process(pid) for pid in pids() if psutil.pid_exists(pid)]
            subprocess.run([*command, "delete", "cluster"], env=env, stderr=log)
            for process in psutil.wait_procs(left, LAST)[1]:
                process.kill()


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody has now."""
    with ports.hold() as held_port:
        return held_port.getsockname()[1]


def held(pids: list[int]) -> float:
    """Return the proportional megabytes of processes."""
    return sum(resources.memory(pids).values(), resources.Memory()).pss


RUN: dict[str, Callable[[Path], dict[str, float]]] = {
    "local": local,
    "control-plane": control_plane,
    "envtest": envtest,
    "kwok": kwok,
}
NOTES = {
    "local": "measured here",
    "control-plane": "measured here; no pods",
    "envtest": f"measured here, {CONTROLLER_RUNTIME}; no pods",
    "kwok": f"measured here, {KWOK}; nodes and pods simulated",
}


@dataclass(frozen=True)
class Turn:
    """Run every peer once, one after the other; what others used meanwhile."""

    names: list[str]

    def __call__(self) -> tuple[dict[str, dict[str, float]], float]:
        """Return the figures by peer."""
        others = resources.Others()
        found = {}
        for name in self.names:
            figures.say(name)
            with tempfile.TemporaryDirectory(prefix="peer-") as place:
                found[name] = RUN[name](Path(place))
        return found, others.share()


def table(rounds: list[dict[str, dict[str, float]]]) -> str:
    """Return medians, each with its ratio to ours where both have one."""
    columns = (ANSWER, NODE, POD, MEMORY)

    def medians(name: str) -> list[float | None]:
        values = [[one[name].get(column) for one in rounds] for column in columns]
        return [None if None in one else statistics.median(one) for one in values]

    ours = medians("local") if "local" in rounds[0] else [None] * len(columns)
    rows = [
        [name, *map(with_ratio, medians(name), ours), NOTES[name]] for name in rounds[0]
    ]
    for name, answer, pod, megabytes, source in PUBLISHED:
        figure = (answer, None, pod, megabytes)
        rows.append([name, *map(with_ratio, figure, ours), source])
    return figures.markdown(["", *columns, "where from"], rows)


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
    parser.add_argument("--no-build", action="store_true")
    given = parser.parse_args()
    os.environ["LAB_NODE"] = "none"
    directory().mkdir(parents=True, exist_ok=True)
    if not given.no_build:
        build(given.only)
    there = [n for n in given.only if not WANTS[n] or (directory() / n).exists()]
    resources.become_family()
    print(figures.heading("Peers"))
    rounds = figures.undisturbed(given.runs, Turn(there))
    print(f"{rounds.note}\n\n{table(rounds.kept)}")


if __name__ == "__main__":
    main()
