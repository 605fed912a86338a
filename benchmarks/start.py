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
import http.client
import json
import re
import ssl
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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
    memory: dict[str, resources.Memory]


class Api:
    """Asks an API server from the host, over one connection, by a client certificate.

    A connection for each question would cost the server more than the answer, while it
    has other things to do.
    """

    def __init__(self, port: int, pki: Path, name: str) -> None:
        """Read keys: NAME.crt, NAME.key and ca.crt in `pki`."""
        tls = ssl.create_default_context(cafile=pki / "ca.crt")
        tls.load_cert_chain(pki / f"{name}.crt", pki / f"{name}.key")
        self._connection = http.client.HTTPSConnection(
            "127.0.0.1", port, context=tls, timeout=10
        )

    @classmethod
    def of(cls, state: Path) -> "Api":
        """Ask as super-admin: these keys are what a start makes first."""
        return cls(int((state / "port").read_text()), state / "pki", "super-admin")

    def ask(self, method: str, path: str, body: dict | None = None):
        """Return status and document; raise OSError while nothing answers."""
        headers = {"Content-Type": "application/json"}
        try:
            self._connection.request(method, path, body and json.dumps(body), headers)
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()  # the next question opens it again
            raise
        return answer.status, json.loads(text) if text[:1] == b"{" else {}

    def get(self, path: str) -> dict:
        """Return an object, or nothing while it is not there."""
        status, document = self.ask("GET", path)
        return document if status == 200 else {}


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
        except (OSError, ValueError, http.client.HTTPException):
            pass  # not there yet
        time.sleep(0.02)
    raise SystemExit(f"not after {PATIENCE:.0f} s: {condition.__name__}")


def answers(api: Api) -> bool:
    """Say whether the API server calls itself ready."""
    return api.ask("GET", "/readyz")[0] == 200


def ready(document: dict) -> bool:
    """Say whether a Node's or Pod's condition Ready is True."""
    conditions = document.get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def start(backend: Local, pod: str) -> dict[str, float]:
    """Call `up` and watch from outside; return seconds since then by milestone.

    The pod is asked for when the node is Ready, be `up` at its end by then or not.
    """
    called = time.time()
    up = background(lambda: (backend.up(Silent()), time.time())[1])
    port = backend.state / "port"
    until(lambda: port.exists() and port.stat().st_mtime >= called, up)
    api, other = Api.of(backend.state), Api.of(backend.state)
    answered = background(lambda: until(lambda: answers(other), up))
    node = f"/api/v1/nodes/{layout.NODE_NAME}"
    there = until(lambda: fresh(api.get(node), called), up)
    until(lambda: create(api, pod), up)
    runs = until(lambda: ready(api.get(f"{PODS}/{pod}")), up)
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


def fresh(node: dict, since: float) -> bool:
    """Say whether the Node is Ready and has said so after `since`."""
    for condition in node.get("status", {}).get("conditions", []):
        if condition["type"] == "Ready" and condition["status"] == "True":
            beat = dt.datetime.fromisoformat(condition["lastHeartbeatTime"])
            return beat.timestamp() >= int(since)
    return False


def create(api: Api, name: str) -> bool:
    """Create a pod of the suite's image; False while its ServiceAccount is missing."""
    container = {"name": "main", "image": versions.TOOLBOX_IMAGE}
    spec = {"terminationGracePeriodSeconds": 1, "containers": [container]}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
    return api.ask("POST", PODS, body)[0] == 201


def next_pod(backend: Local, name: str) -> float:
    """Return the seconds from the request for one more pod to its being Ready."""
    api = Api.of(backend.state)
    began = time.time()
    create(api, name)
    return until(lambda: ready(api.get(f"{PODS}/{name}"))) - began


def serving(state: Path) -> float:
    """Return when the API server's own log says that it serves."""
    log = (state / "logs" / "kube-apiserver.log").read_text()
    month, day, clock = re.findall(
        r"^I(\d\d)(\d\d) (\S+) .*Serving securely on", log, re.MULTILINE
    )[-1]
    year = time.gmtime().tm_year
    text = f"{year}-{month}-{day}T{clock}"
    # klog writes local time, and the machine has none but the host's.
    return dt.datetime.fromisoformat(text).timestamp()


def run() -> tuple[Round, float]:
    """Do one round on a new state directory; return it and the share of others."""
    others = resources.Others()
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
    return Round(cold, warm, used), others.share()


def show(rounds: list[Round]) -> None:
    """Print what the rounds have found."""
    print(figures.spread("cold start", [one.cold for one in rounds], FLOOR))
    print()
    print(figures.spread("`stop`, then `up`", [one.warm for one in rounds], FLOOR))


def main() -> None:
    """Run the rounds and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    wanted = parser.parse_args().runs
    resources.become_family()
    rounds = figures.undisturbed(wanted, run)
    print(figures.heading("Start"))
    print(f"{rounds.note}\n")
    show(rounds.kept)
    print(f"\n{resources.table(rounds.kept[-1].memory)}")


if __name__ == "__main__":
    main()
