"""Measure how long a start takes and how much memory the cluster needs.

Cold: an empty state directory, binaries and image in the cache. Then `stop` and `up`
on the same one. Every time is seconds since `up` was called, seen from the host as a
learner would; the ratio is to the moment at which the API server itself began to
serve in the same run.

Usage: `python benchmarks/start.py [--runs 5]`
"""

import argparse
import concurrent.futures
import datetime as dt
import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requests
from parts import figures, resources

from cluster import versions
from cluster.local.backend import Local
from cluster.machine import layout
from cluster.progress import Silent

#: seconds after which a step counts as failed
PATIENCE = 120.0
PODS = "/api/v1/namespaces/default/pods"
FLOOR = "API server serves"
ANSWER = "API ready, from the host"
NODE = "node Ready"
UP = "`up` returned"
POD = "first pod Ready"
NEXT = "next pod Ready, since asked"


@dataclass(frozen=True)
class Round:
    """Seconds by milestone, and the memory by program after two pods."""

    cold: dict[str, float]
    warm: dict[str, float]
    memory: dict[str, float]


class Api(requests.Session):
    """Asks an API server as super-admin, whose keys are what a start makes first.

    Over one connection: one for each question would cost the server more than the
    answer, while it has other things to do.
    """

    def __init__(self, state: Path) -> None:
        """Read keys and port in a state directory."""
        super().__init__()
        pki, self.trust_env = state / "pki", False
        self.verify = str(pki / "ca.crt")
        self.cert = (str(pki / "super-admin.crt"), str(pki / "super-admin.key"))
        self._url = f"https://127.0.0.1:{(state / 'port').read_text().strip()}"

    def ask(self, path: str, body: dict | None = None) -> requests.Response:
        """Get an object, or create one; raise OSError while nothing answers."""
        method = "POST" if body else "GET"
        return self.request(method, self._url + path, json=body, timeout=10)

    def read(self, path: str) -> dict:
        """Return an object, or nothing while it is not there."""
        answer = self.ask(path)
        return answer.json() if answer.ok else {}


def until(condition, meanwhile: concurrent.futures.Future | None = None) -> float:
    """Poll until `condition` holds; return when that was, on the epoch's clock.

    Raise what `meanwhile` has failed with, such as a start.
    """
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if meanwhile and meanwhile.done():
            meanwhile.result()
        try:
            if condition():
                return time.time()
        except (OSError, ValueError):
            pass  # not there yet
        time.sleep(0.02)
    raise SystemExit(f"not after {PATIENCE:.0f} s: {condition.__name__}")


def answers(api: Api) -> bool:
    """Say whether the API server calls itself ready."""
    return api.ask("/readyz").ok


def ready(document: dict, since: float = 0.0) -> bool:
    """Say whether a Node or Pod is Ready; a Node, whether it has said so after that."""
    conditions = document.get("status", {}).get("conditions", [])
    found = [c for c in conditions if c["type"] == "Ready" and c["status"] == "True"]
    if not (found and since):
        return bool(found)
    beat = dt.datetime.fromisoformat(found[0]["lastHeartbeatTime"])
    return beat.timestamp() >= int(since)


def start(backend: Local, pod: str) -> dict[str, float]:
    """Call `up` and watch from outside; return seconds since then by milestone.

    The pod is asked for when the node is Ready, be `up` at its end by then or not.
    """
    called = time.time()
    up = background(lambda: (backend.up(Silent()), time.time())[1])
    port = backend.state / "port"
    until(lambda: port.exists() and port.stat().st_mtime >= called, up)
    api, other = Api(backend.state), Api(backend.state)
    answered = background(lambda: until(lambda: answers(other), up))
    node = f"/api/v1/nodes/{layout.NODE_NAME}"
    there = until(lambda: ready(api.read(node), called), up)
    until(lambda: create(api, pod), up)
    runs = until(lambda: ready(api.read(f"{PODS}/{pod}")), up)
    ended, serves = up.result(), serving(backend.state)
    seen = {FLOOR: serves, NODE: there, ANSWER: answered.result(), UP: ended, POD: runs}
    return {name: moment - called for name, moment in seen.items()}


def background(work: Callable) -> concurrent.futures.Future:
    """Do it meanwhile; nobody has to wait for its end, so `delete` can end a start."""
    pool = concurrent.futures.ThreadPoolExecutor(1)
    try:
        return pool.submit(work)
    finally:
        pool.shutdown(wait=False)


def create(api: Api, name: str) -> bool:
    """Create a pod of the suite's image; False while its ServiceAccount is missing."""
    container = {"name": "main", "image": versions.TOOLBOX_IMAGE}
    spec = {"terminationGracePeriodSeconds": 1, "containers": [container]}
    return api.ask(PODS, {"metadata": {"name": name}, "spec": spec}).ok


def next_pod(backend: Local, name: str) -> float:
    """Return the seconds from the request for one more pod to its being Ready."""
    api = Api(backend.state)
    began = time.time()
    create(api, name)
    return until(lambda: ready(api.read(f"{PODS}/{name}"))) - began


def serving(state: Path) -> float:
    """Return when the API server's own log says that it serves."""
    log = (state / "logs" / "kube-apiserver.log").read_text()
    month, day, clock = re.findall(
        r"^I(\d\d)(\d\d) (\S+) .*Serving securely on", log, re.MULTILINE
    )[-1]
    year = time.gmtime().tm_year
    # klog writes local time, and the machine has none but the host's.
    return dt.datetime.fromisoformat(f"{year}-{month}-{day}T{clock}").timestamp()


def run() -> Round:
    """Do one round on a new state directory."""
    with tempfile.TemporaryDirectory(prefix="start-") as directory:
        backend = Local(Path(directory, "state"))
        try:
            cold = start(backend, "first")
            cold[NEXT] = next_pod(backend, "second")
            used = resources.memory(resources.pids_of(backend.state))
            began = time.monotonic()
            backend.stop()
            stopped = time.monotonic() - began
            warm = start(backend, "again")
            warm[NEXT] = next_pod(backend, "next")
            warm["`stop` before it"] = stopped
        finally:
            backend.delete()
    return Round(cold, warm, used)


def show(rounds: list[Round]) -> None:
    """Print what the rounds have found."""
    print(figures.spread("cold start", [one.cold for one in rounds], FLOOR), end="\n\n")
    print(figures.spread("`stop`, then `up`", [one.warm for one in rounds], FLOOR))


def main() -> None:
    """Run the rounds and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    figures.begin("Start")
    rounds = figures.repeat(runs, run)
    show(rounds)
    print(f"\n{resources.table(rounds[-1].memory)}")


if __name__ == "__main__":
    main()
