"""Measure how long a start takes.

Cold: an empty state directory, binaries and image in the cache. Then `stop` and `up`
on the same one. Every time is seconds since `up` was called, seen from the host as a
learner would; the ratio is to the moment at which the API server itself began to
serve in the same run.

Usage: `python benchmarks/start.py [--runs 5]`
"""

import argparse
import datetime as dt
import re
import ssl
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
from parts import figures

from cluster import versions
from cluster.local.backend import Local
from cluster.machine import layout, ports
from cluster.progress import Silent

#: seconds after which a step counts as failed
STEP_TIMEOUT = 120.0
PODS = "/api/v1/namespaces/default/pods"
FLOOR = "API server serves"
ANSWER = "API ready, from the host"
NODE = "node Ready"
UP = "`up` returned"
POD = "first pod Ready"
NEXT = "next pod Ready, since asked"


def wait_until(condition: Callable[[], bool], meanwhile: Future | None = None) -> float:
    """Poll until `condition` holds; return when that was, on the epoch's clock.

    Raise what `meanwhile` has failed with, such as a start.
    """
    deadline = time.monotonic() + STEP_TIMEOUT
    while time.monotonic() < deadline:
        if meanwhile and meanwhile.done():
            meanwhile.result()
        try:
            if condition():
                return time.time()
        except (OSError, ValueError, httpx.TransportError):
            pass  # not there yet
        time.sleep(0.02)
    raise SystemExit(f"not after {STEP_TIMEOUT:.0f} s")


def client(state: Path, called: float = 0.0, up: Future | None = None) -> httpx.Client:
    """Return a client with super-admin's keys, as soon as there is a port.

    `called` is when the start `up` began, which makes the keys first. The client has
    one connection: one for each question would cost the server more than the answer,
    while it has other things to do.
    """
    wait_until(lambda: (state / "port").stat().st_mtime >= called, up)
    tls = ssl.create_default_context(cafile=state / "pki" / "ca.crt")
    user = str(state / "pki" / "super-admin")
    tls.load_cert_chain(f"{user}.crt", f"{user}.key")
    url = f"https://127.0.0.1:{ports.port_of(state)}"
    return httpx.Client(base_url=url, verify=tls, trust_env=False, timeout=10)


def is_serving(api: httpx.Client) -> bool:
    """Return whether the API server calls itself ready."""
    return api.get("/readyz").is_success


def is_ready(api: httpx.Client, path: str, since: float = 0.0) -> bool:
    """Return whether a Node or Pod is Ready; a Node, whether it has said so since."""
    answer = api.get(path)
    status = answer.json().get("status", {}) if answer.is_success else {}
    for condition in status.get("conditions", []):
        if condition["type"] == "Ready" and condition["status"] == "True":
            beat = condition.get("lastHeartbeatTime", condition["lastTransitionTime"])
            return dt.datetime.fromisoformat(beat).timestamp() >= int(since)
    return False


def start(backend: Local, pod: str) -> dict[str, float]:
    """Call `up` and watch from outside; return seconds since then by milestone.

    The pod is asked for when the node is Ready, be `up` at its end by then or not.
    """
    called = time.time()
    up = run_in_background(lambda: (backend.up(Silent()), time.time())[1])
    api, other = (client(backend.state, called, up) for _ in range(2))
    answered = run_in_background(lambda: wait_until(lambda: is_serving(other), up))
    node = f"/api/v1/nodes/{layout.NODE_NAME}"
    there = wait_until(lambda: is_ready(api, node, called), up)
    wait_until(lambda: create(api, pod), up)
    runs = wait_until(lambda: is_ready(api, f"{PODS}/{pod}"), up)
    ended, serves = up.result(), time_of_serving(backend.state)
    seen = {FLOOR: serves, NODE: there, ANSWER: answered.result(), UP: ended, POD: runs}
    return {name: moment - called for name, moment in seen.items()}


def run_in_background(work: Callable) -> Future:
    """Do it meanwhile; nobody has to wait for its end, so `delete` can end a start."""
    return ThreadPoolExecutor(1).submit(work)


def create(api: httpx.Client, name: str) -> bool:
    """Create a pod of the suite's image; False while its ServiceAccount is missing."""
    container = {"name": "main", "image": versions.TOOLBOX_IMAGE}
    spec = {"terminationGracePeriodSeconds": 1, "containers": [container]}
    return api.post(PODS, json={"metadata": {"name": name}, "spec": spec}).is_success


def next_pod(backend: Local, name: str) -> float:
    """Return the seconds from the request for one more pod to its being Ready."""
    api = client(backend.state)
    began = time.time()
    create(api, name)
    return wait_until(lambda: is_ready(api, f"{PODS}/{name}")) - began


def time_of_serving(state: Path) -> float:
    """Return when the API server's own log says that it serves."""
    log = (state / "logs" / "kube-apiserver.log").read_text()
    month, day, clock = re.findall(
        r"^I(\d\d)(\d\d) (\S+) .*Serving securely on", log, re.MULTILINE
    )[-1]
    year = time.gmtime().tm_year
    # klog writes local time, and the machine has none but the host's.
    return dt.datetime.fromisoformat(f"{year}-{month}-{day}T{clock}").timestamp()


def run() -> tuple[dict[str, float], dict[str, float]]:
    """Do one round on a new state directory; return the seconds of both starts."""
    with tempfile.TemporaryDirectory(prefix="start-") as directory:
        backend = Local(Path(directory, "state"))
        try:
            cold = start(backend, "first")
            cold[NEXT] = next_pod(backend, "second")
            began = time.monotonic()
            backend.stop()
            stopped = time.monotonic() - began
            warm = start(backend, "again")
            warm[NEXT] = next_pod(backend, "next")
            warm["`stop` before it"] = stopped
        finally:
            backend.delete()
    return cold, warm


def measure(runs: int) -> str:
    """Do so many rounds; return a table of the cold starts, and one of the others."""
    cold, warm = zip(*figures.repeat(runs, run), strict=True)
    first = figures.spread("cold start", cold, FLOOR)
    return f"{first}\n\n{figures.spread('`stop`, then `up`', warm, FLOOR)}"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    figures.begin("Start")
    print(measure(runs))


if __name__ == "__main__":
    main()
