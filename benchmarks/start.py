"""Measure how long a start takes and how much memory the cluster needs.

Cold: an empty state directory, binaries and image in the cache. Then `stop` and `up`
on the same one. Every time is seconds since `up` was called, seen from the host as a
learner would; the ratio is to the moment at which the API server itself began to
serve in the same run, which no arrangement of ours can make earlier.

Usage: `python benchmarks/start.py [--runs 5]`
"""

import argparse
import datetime as dt
import http.client
import json
import os
import re
import ssl
import statistics
import tempfile
import threading
import time
from pathlib import Path

import psutil

from cluster import versions
from cluster.local import identity, layout
from cluster.local.backend import Local
from cluster.progress import Silent

#: seconds after which a step counts as failed
PATIENCE = 120.0
PODS = "/api/v1/namespaces/default/pods"


class Api:
    """Asks the API server from the host, over one connection, as super-admin."""

    def __init__(self, state: Path) -> None:
        """Read the keys that a start makes first."""
        pki = state / "pki"
        self._tls = ssl.create_default_context(cafile=pki / "ca.crt")
        self._tls.load_cert_chain(pki / "super-admin.crt", pki / "super-admin.key")
        self._port = int((state / "port").read_text())

    def ask(self, method: str, path: str, body: dict | None = None):
        """Return status and document; raise OSError while nothing answers."""
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self._port, context=self._tls, timeout=10
        )
        try:
            headers = {"Content-Type": "application/json"}
            connection.request(method, path, body and json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text[:1] == b"{" else {}
        finally:
            connection.close()

    def get(self, path: str) -> dict:
        """Return an object, or nothing while it is not there."""
        status, document = self.ask("GET", path)
        return document if status == 200 else {}


def until(condition) -> float:
    """Poll until `condition` holds; return when that was, on the epoch's clock."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if condition():
                return time.time()
        except (OSError, ValueError, http.client.HTTPException):
            pass  # not there yet
        time.sleep(0.01)
    raise SystemExit(f"not after {PATIENCE:.0f} s: {condition.__name__}")


def ready(document: dict) -> bool:
    """Say whether a Node's or Pod's condition Ready is True."""
    conditions = document.get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def start(backend: Local, pod: str) -> dict[str, float]:
    """Call `up` and watch from outside; return seconds since then by milestone."""
    called = time.time()
    ups = threading.Thread(target=backend.up, args=(Silent(),))
    ups.start()
    port = backend.state / "port"
    until(lambda: port.exists() and port.stat().st_mtime >= called)
    api = Api(backend.state)
    seen = {
        "API answers on the host": until(lambda: api.ask("GET", "/readyz")[0] == 200)
    }
    node = f"/api/v1/nodes/{layout.NODE_NAME}"
    seen["node Ready"] = until(lambda: fresh(api.get(node), called))
    until(lambda: create(api, pod))
    seen["first pod Ready"] = until(lambda: ready(api.get(f"{PODS}/{pod}")))
    ups.join()
    seen["`up` returned"] = time.time()
    times = {name: moment - called for name, moment in seen.items()}
    return {"API server serves": serving(backend.state) - called, **times}


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
    api = Api(backend.state)
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


def memory(state: Path) -> dict[str, tuple[float, float]]:
    """Return resident and proportional megabytes of the machine, by program."""
    outer = psutil.Process(identity.pid_of(state, "outer"))
    sums: dict[str, tuple[float, float]] = {}
    for process in (outer, *outer.children(recursive=True)):
        try:
            info = process.memory_full_info()
        except psutil.Error:
            continue  # ended just now
        rss, pss = sums.get(process.name(), (0.0, 0.0))
        sums[process.name()] = rss + info.rss / 1e6, pss + info.pss / 1e6
    return sums


def run(number: int) -> tuple[dict, dict, dict]:
    """Do one round on a new state directory; return cold, warm and memory."""
    with tempfile.TemporaryDirectory(prefix="start-") as directory:
        backend = Local(Path(directory, "state"))
        try:
            cold = start(backend, "first")
            cold["next pod Ready, since asked"] = next_pod(backend, "second")
            used = memory(backend.state)
            began = time.monotonic()
            backend.stop()
            warm = {"`stop`": time.monotonic() - began}
            warm |= start(backend, "again")
            warm["next pod Ready, since asked"] = next_pod(backend, "next")
        finally:
            backend.delete()
    load = os.getloadavg()[0]
    print(f"round {number}: {cold['`up` returned']:.1f} s cold, load {load:.1f}")
    return cold, warm, used


def table(title: str, rounds: list[dict]) -> None:
    """Print the median, the range and the ratio of each milestone."""
    print(f"\n{title:<32}{'median s':>9}{'min':>7}{'max':>7}{'ratio':>7}")
    base = statistics.median(one["API server serves"] for one in rounds)
    for name in rounds[0]:
        values = [one[name] for one in rounds]
        middle = statistics.median(values)
        ratio = middle / base
        print(
            f"{name:<32}{middle:9.2f}{min(values):7.2f}{max(values):7.2f}{ratio:7.2f}"
        )


def main() -> None:
    """Run the rounds and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    rounds = [run(number) for number in range(1, parser.parse_args().runs + 1)]
    cores = len(os.sched_getaffinity(0))
    print(f"\nKubernetes {versions.KUBERNETES}, {cores} cores, {len(rounds)} rounds")
    table("cold", [cold for cold, _, _ in rounds])
    table("`stop`, then `up`", [warm for _, warm, _ in rounds])
    print(f"\n{'memory after two pods, MB':<32}{'RSS':>9}{'PSS':>7}")
    used = rounds[-1][2]
    for name, (rss, pss) in sorted(used.items(), key=lambda item: -item[1][0]):
        print(f"{name:<32}{rss:9.0f}{pss:7.0f}")
    totals = [sum(part) for part in zip(*used.values(), strict=True)]
    print(f"{'sum':<32}{totals[0]:9.0f}{totals[1]:7.0f}")


if __name__ == "__main__":
    main()
