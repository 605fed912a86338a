"""Compare the API server for browsers, under Node, with the native one in the same run.

Both are the same kube-apiserver without a node. The native one has etcd beside it, the
other a store in memory and some controllers in the same process.

Usage: `python benchmarks/browser.py [--runs 3]`
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import start
from parts import figures, resources

from cluster import programs
from cluster.controlplane.apiserver import ApiServer
from cluster.progress import Silent

ROOT = Path(__file__).parents[1]
MAPS = "/api/v1/namespaces/default/configmaps"
COLORS = {"metadata": {"name": "colors"}, "data": {"sky": "blue"}}
GET = "get configmap colors"
READY, SPENT = "ready, s", "CPU until then, s"
ASKED, COMMAND, MEMORY = "GET a ConfigMap, ms", f"`kubectl {GET}`, ms", "memory, MB"


def milliseconds(ask: Callable[[], object], times: int) -> float:
    """Return the median of what a question takes, after some that do not count."""
    times_taken = []
    for _ in range(times + 5):
        began = time.perf_counter()
        ask()
        times_taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(times_taken[5:])


def measure_requests(send: Callable[[], object], kubectl: Callable[[], object]) -> dict:
    """Return what a request takes, and a command."""
    return {ASKED: milliseconds(send, 100), COMMAND: milliseconds(kubectl, 10)}


def measure_native() -> dict[str, float]:
    """Start kube-apiserver and etcd as processes; return the figures."""
    began = time.monotonic()
    with ApiServer() as server:
        # As a client sees it: the loop of ApiServer polls seldom.
        api = start.client(server.directory)
        start.wait_until(lambda: start.is_serving(api))
        results = {READY: time.monotonic() - began}
        pids = resources.family(psutil.Process(server.pid).ppid())
        pids = [pid for pid in pids if psutil.Process(pid).name() in resources.FLOOR]
        results[SPENT] = sum(resources.cpu_seconds(psutil.Process(pid)) for pid in pids)
        api.post(MAPS, json=COLORS).raise_for_status()
        user = server.directory / "pki" / "super-admin"
        kubectl = [
            programs.ensure_kubectl(Silent()) / "kubectl",
            f"--server={server.url}",
            f"--certificate-authority={user.with_name('ca.crt')}",
            f"--client-certificate={user}.crt",
            f"--client-key={user}.key",
            *GET.split(),
        ]
        results |= measure_requests(
            lambda: api.get(f"{MAPS}/colors").raise_for_status(),
            lambda: subprocess.run(kubectl, check=True, stdout=subprocess.DEVNULL),
        )
        return results | {MEMORY: sum(resources.memory(pids).values())}


def measure_node(directory: Path) -> dict[str, float]:
    """Start the program under Node; return the figures."""
    command = ["node", ROOT / "tab" / "web" / "node.js", directory]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    began = time.monotonic()
    with subprocess.Popen(command, text=True, **pipes) as process:

        def ask(**request: object) -> dict:
            process.stdin.write(f"{json.dumps(request)}\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        # A ready server prints a line.
        json.loads(process.stdout.readline())
        results = {READY: time.monotonic() - began}
        results[SPENT] = resources.cpu_seconds(psutil.Process(process.pid))
        who = {"certificate": "super-admin", "trust": "cluster"}
        body = {"headers": [["Content-Type", "application/json"]]}
        body["body"] = json.dumps(COLORS)
        assert ask(method="POST", path=MAPS, **who, **body)["status"] == 201
        get = {"method": "GET", "path": f"{MAPS}/colors"}
        results |= measure_requests(
            lambda: ask(**get, **who), lambda: ask(script=f"kubectl {GET}")
        )
        results[MEMORY] = sum(resources.memory([process.pid]).values())
        process.stdin.close()
    return results


def table(rounds: list[tuple[dict, dict]]) -> str:
    """Return medians of both, and the ratio, which is the median of each round's."""
    rows = []
    for name in rounds[0][0]:
        native = [first[name] for first, _ in rounds]
        node = [second[name] for _, second in rounds]
        ratio = statistics.median(b / a for a, b in zip(native, node, strict=True))
        cells = (statistics.median(native), statistics.median(node), ratio)
        # Three digits are enough.
        rows.append([name, *(f"{cell:.{cell < 100:d}f}" for cell in cells)])
    return figures.markdown(["figure", "native", "under Node", "x native"], rows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    # No installed package has tab/.
    sys.path.append(str(ROOT))
    from tab import build

    if not (directory := build.find()):
        raise SystemExit("There is no program yet. Run: .venv/bin/python -m tab.build")
    figures.begin("The API server for browsers")
    with tempfile.TemporaryDirectory(prefix="browser-") as state:
        os.environ["LAB_STATE_DIR"] = f"{state}/state"
        print(
            table(
                figures.repeat(
                    runs, lambda: (measure_native(), measure_node(directory))
                )
            )
        )


if __name__ == "__main__":
    main()
